"""Who is in stays in as long as what let them in does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from posthouse.accounts.accounts import add_account, set_disabled, set_password
from posthouse.accounts.app_passwords import add_app_password, revoke_app_password
from posthouse.accounts.presence import Login, Presence
from posthouse.store.direct import DirectStore

from .conftest import HASHER

ANN = "ann@example.org"


@dataclass(eq=False)
class Guest:
    """Counts how often it is shut out."""

    shut: int = 0

    def shut_out(self) -> None:
        self.shut += 1


def enter(presence: Presence, login: Login) -> Guest:
    guest = Guest()
    presence.enter(guest, login)
    return guest


def test_each_by_what_let_it_in(store: DirectStore) -> None:
    old, app = HASHER.hash("old"), HASHER.hash("app")
    account = store.write(add_account(ANN, old, 0))
    store.write(add_app_password(ANN, "phone", ["imap"], "abcdef", app, 0))
    presence = Presence(store)
    by_password, by_app, by_token = (
        enter(presence, Login(account, ANN, grant)) for grant in (old, app, "")
    )
    gone = enter(presence, Login(account, ANN, old))
    presence.leave(gone, Login(account, ANN))
    everybody = (by_password, by_app, by_token, gone)

    def shut() -> list[int]:
        asyncio.run(presence.look_at_all())  # as behind news that were lost
        return [guest.shut for guest in everybody]

    assert shut() == [0, 0, 0, 0]
    store.write(set_password(ANN, HASHER.hash("new")))
    assert shut() == [1, 0, 0, 0]
    presence.leave(by_password, Login(account, ANN))
    store.write(revoke_app_password(ANN, "phone"))
    assert shut() == [1, 1, 0, 0]
    store.write(set_disabled(ANN, True))
    assert shut() == [1, 2, 1, 0]


def test_who_came_in_while_it_was_revoked(store: DirectStore) -> None:
    """The password was good when it was looked at, and is not any more."""
    old = HASHER.hash("old")
    account = store.write(add_account(ANN, old, 0))
    store.write(set_password(ANN, HASHER.hash("new")))
    assert enter(Presence(store), Login(account, ANN, old)).shut == 1


def test_it_is_told(store: DirectStore) -> None:
    account = store.write(add_account(ANN, HASHER.hash("old"), 0))
    store.told.clear()
    store.write(set_password(ANN, HASHER.hash("new")))
    assert [(news.topic, news.key) for news in store.told] == [("access", account)]
