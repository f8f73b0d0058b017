"""Who has logged in to this worker, and who of them may not go on.

An account that is disabled or removed, a new password, an app password that is revoked: who came in
by what no longer lets anybody in is shut out, in every worker. The database is asked whether a
log-in still holds; news say only when to ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ..store.unit import Unit, Work, one_of, tell

T = TypeVar("T")

TOPIC = "access"
AT_ONCE = 100  # accounts looked at before others have their turn


@dataclass(frozen=True, slots=True)
class Login:
    """An account that has proved who it is."""

    account: int
    address: str
    #: The stored hash of the password that it came in by, if it was one.
    grant: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Grants:
    """What may be done with an account now."""

    open: bool  # there is one, and it is not disabled
    hashes: frozenset[str]  # of its passwords

    def hold(self, login: Login) -> bool:
        return self.open and (not login.grant or login.grant in self.hashes)


class Guest(Protocol):
    """One session that has logged in."""

    def shut_out(self) -> None:
        """The log-in does not hold any more."""


class Store(Protocol):
    """What is needed of the store."""

    def read(self, unit: Unit[T]) -> T: ...


def grants_of(account: int) -> Unit[Grants]:
    """What lets an account in."""

    def unit() -> Work[Grants]:
        row = yield from one_of(
            "SELECT disabled, password, (SELECT group_concat(password, char(10)) FROM app_password"
            " WHERE account = ?1) FROM account WHERE id = ?1",
            account,
        )
        if row is None:
            return Grants(False, frozenset())
        return Grants(not row[0], frozenset((row[1], *(row[2] or "").split("\n"))))

    return unit


def revoked(account: int) -> Work[None]:
    """Part of a unit: something that has let an account in does so no more."""
    yield from tell(TOPIC, account, 0)


class Presence:
    """The sessions of this worker."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guests: dict[int, dict[Guest, Login]] = {}

    def enter(self, guest: Guest, login: Login) -> None:
        """Somebody has logged in; perhaps by what was revoked while it was looked at."""
        self._guests.setdefault(login.account, {})[guest] = login
        self.look(login.account)

    def leave(self, guest: Guest, login: Login) -> None:
        """They have gone."""
        guests = self._guests.get(login.account, {})
        guests.pop(guest, None)
        if not guests:
            self._guests.pop(login.account, None)

    def look(self, account: int, _value: int = 0) -> None:
        """Shut out those of an account whose log-in holds no more."""
        guests = self._guests.get(account)
        if not guests:
            return
        grants = self._store.read(grants_of(account))
        for guest, login in tuple(guests.items()):
            if not grants.hold(login):
                guest.shut_out()

    async def look_at_all(self) -> None:
        """Behind news that were lost."""
        for number, account in enumerate(tuple(self._guests), 1):
            self.look(account)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    def listen(self, listen: Callable[[str, Callable[[int, int], None]], object]) -> None:
        """Hear of what is revoked."""
        listen(TOPIC, self.look)
