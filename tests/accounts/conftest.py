"""A store of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.accounts.credentials import Hasher, Parameters
from posthouse.accounts.domains import add_domain
from posthouse.store.direct import DirectStore
from posthouse.store.migrate import migrate

CHEAP = Parameters(memory=8, passes=1)
HASHER = Hasher(CHEAP)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DirectStore]:
    migrate(tmp_path)
    with DirectStore(tmp_path) as store:
        store.write(add_domain("example.org", 0))
        yield store
