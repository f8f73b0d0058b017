"""Who logs in: a name and a password to an account.

A good log-in is remembered under a keyed digest of the account, its stored hash and the password,
so that a client that logs in a thousand times costs one Argon2; a changed password changes the
stored hash, and what was remembered is never found again. Names that do not exist cost the same
time as those that do.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ..protocols.sasl.mechanism import Denial, Denied, Password
from ..store.unit import Unit, Work, one_of
from .credentials import Hasher, Parameters, fingerprint, prepare
from .names import ADDRESS_LIMIT, NotAnAddress, canonical_address

T = TypeVar("T")

NO_PASSWORD = b"\0"  # compared in place of what cannot be a password, and no password either


@dataclass(frozen=True, slots=True)
class Settings:
    parameters: Parameters = field(default_factory=Parameters)
    remember: float = 600.0  # seconds
    remembered: int = 20_000  # log-ins at most
    checks: int = 2  # threads for Argon2
    waiting: int = 64  # checks that may wait for a thread


@dataclass(frozen=True, slots=True)
class Login:
    """An account that has proved who it is."""

    account: int
    address: str


class _Busy(Exception):
    """Too many passwords wait to be checked: the peer may try again later."""


class Reader(Protocol):
    """What is needed of the store."""

    def read(self, unit: Unit[T]) -> T: ...


class Authenticator:
    """Checks passwords, a few at a time, off the loop."""

    def __init__(self, store: Reader, settings: Settings, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._settings = settings
        self._now = monotonic
        self._hasher = Hasher(settings.parameters)
        self._key = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, float] = OrderedDict()  # digest -> until
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._pool = ThreadPoolExecutor(settings.checks, "password")
        # a hash that nobody knows the password of, first in the pool and so there for all others
        self._nobody = self._pool.submit(self._hasher.hash, secrets.token_hex(16))

    async def check(self, question: Password) -> Login | Denied:
        """The account whose name and password these are, or why there is none.

        Whom to act as (RFC 4616 §2) may only be the account itself.
        """
        try:
            login = await self._prove(question.user, prepare(question.password) or NO_PASSWORD)
        except _Busy:
            return Denied(Denial.UNAVAILABLE)
        if login is None:
            return Denied()
        if question.identity and _canonical(question.identity) != login.address:
            return Denied(Denial.AUTHORIZATION)
        return login

    async def _prove(self, name: str, octets: bytes) -> Login | None:
        found = self._find(name)
        if found is None:  # as long as for a name that exists
            await self._verify(secrets.token_bytes(16), "", octets)
            return None
        login, stored = found
        digest = fingerprint(self._key, b"%d" % login.account, stored.encode(), octets)
        until = self._good.get(digest)
        if until is not None and self._now() < until:
            return login
        if not await self._verify(digest, stored, octets):
            return None
        self._remember(digest)
        return login

    def close(self) -> None:
        """Forget everything."""
        self._good.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _find(self, name: str) -> tuple[Login, str] | None:
        address = _canonical(name)
        if address is None:
            return None
        row = self._store.read(_account(address))
        return None if row is None else (Login(row[0], address), row[1])

    async def _verify(self, digest: bytes, stored: str, octets: bytes) -> bool:
        """Ask Argon2, once for all connections that ask the same at the same time."""
        running = self._running.get(digest)
        if running is None:
            if len(self._running) >= self._settings.waiting + self._settings.checks:
                raise _Busy
            work = self._pool.submit(self._compare, stored, octets)
            running = self._running[digest] = asyncio.wrap_future(work)
            running.add_done_callback(lambda _: self._running.pop(digest, None))
        return await asyncio.shield(running)

    def _compare(self, stored: str, octets: bytes) -> bool:
        return self._hasher.verify(stored or self._nobody.result(), octets)

    def _remember(self, digest: bytes) -> None:
        self._good[digest] = self._now() + self._settings.remember
        self._good.move_to_end(digest)
        while len(self._good) > self._settings.remembered:
            self._good.popitem(last=False)


def _canonical(name: str) -> str | None:
    if len(name) > ADDRESS_LIMIT:
        return None
    try:
        return canonical_address(name)
    except NotAnAddress:
        return None


def _account(address: str) -> Unit[tuple[int, str] | None]:
    def unit() -> Work[tuple[int, str] | None]:
        row = yield from one_of("SELECT id, password FROM account WHERE address = ?1", address)
        return None if row is None else (row[0], row[1])

    return unit
