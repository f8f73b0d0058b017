"""One real server for all tests of this folder, with accounts that no two tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.server import Server
from tests.system.user import ACCOUNTS, SETTINGS, User


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Two workers, and all accounts added. What is for other sites waits: nobody asks the DNS."""
    with Server(workers=2, settings=SETTINGS | {"relay.connections": 0}) as running:
        running.add_accounts(ACCOUNTS)
        yield running


@pytest.fixture(scope="session")
def unused_accounts() -> Iterator[str]:
    return iter(ACCOUNTS)


@pytest.fixture
def anna(server: Server, unused_accounts: Iterator[str]) -> User:
    """Somebody whose mailboxes are empty."""
    return User(server, next(unused_accounts))


@pytest.fixture
def boris(server: Server, unused_accounts: Iterator[str]) -> User:
    """Another."""
    return User(server, next(unused_accounts))
