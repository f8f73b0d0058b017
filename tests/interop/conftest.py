"""The server of the tests of this folder, and the marker that they all bear."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.conftest import anna, boris, server, unused_accounts

__all__ = ["anna", "boris", "server", "unused_accounts"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)
