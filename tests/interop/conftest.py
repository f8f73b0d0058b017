"""The server of the tests of this folder, the marker that they all bear, and a look at the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.conftest import anna, boris, server, unused_accounts
from tests.system.server import Server
from tests.system.user import User

__all__ = ["anna", "boris", "server", "unused_accounts"]

HERE = Path(__file__).parent
#: What a server has no reason to say, whatever a client of good will does.
TROUBLE = re.compile(r"level=(?:warning|error|critical)|Traceback|Warning:|SERVERBUG|^Exception")

looked_at: dict[Server, int] = {}  # how far its log has been read


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(autouse=True)
def log_without_trouble(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test fails when the servers that it used warned of something."""
    yield
    values = list(request.node.funcargs.values())
    servers = {each for each in values if isinstance(each, Server)}
    servers |= {each.server for each in values if isinstance(each, User)}
    for each in servers:
        lines = each.log().splitlines()
        new = lines[looked_at.get(each, 0) :]
        looked_at[each] = len(lines)
        told = [line for line in new if TROUBLE.search(line)]
        assert not told, "the server told of trouble:\n" + "\n".join(told)
