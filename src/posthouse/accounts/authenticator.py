"""Who logs in: whatever a client has to show for itself, to an account.

A good password is remembered under a keyed digest of the account, its stored hash and the
password, so that a client that logs in a thousand times costs one Argon2; a changed password
changes the stored hash, and what was remembered is never found again. Names that do not exist cost
the same time as those that do.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ..protocols.sasl import MECHANISMS
from ..protocols.sasl.mechanism import (
    Anonymous,
    Bearer,
    Certificate,
    Claim,
    Denial,
    Denied,
    Keys,
    Lookup,
    Mechanism,
    Password,
    Proof,
    ScramKeys,
    Secret,
    SharedSecret,
    Stamp,
)
from ..store.database import StoreUnavailable
from ..store.unit import Unit
from .app_passwords import FRESH, note_use
from .base64url import Refused
from .credentials import Hasher, Parameters, fingerprint, prepare
from .entrance import Abilities, Candidate, Entrance, abilities, find_account, find_candidates
from .guard import Guard
from .legacy import Vault, find_secret
from .names import ADDRESS_LIMIT, NotAnAddress, canonical_address
from .presence import Guest, Login, Presence
from .scram import ITERATIONS, SHA_256, decoy, decoy_secret, find_key, learn_key, make_key
from .tokens import Tokens

T = TypeVar("T")

NO_PASSWORD = b"\0"  # compared in place of what cannot be a password, and no password either
BY_KEYS = frozenset({"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"})
OLD = frozenset({"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "CRAM-MD5"})
BY_TOKEN = frozenset({"OAUTHBEARER", "XOAUTH2"})
FOR_ANYBODY = frozenset({"imap", "pop3"})  # the services where ANONYMOUS may read


@dataclass(frozen=True, slots=True)
class Settings:
    parameters: Parameters = field(default_factory=Parameters)
    remember: float = 600.0  # seconds
    remembered: int = 20_000  # log-ins at most
    checks: int = 2  # threads for Argon2
    waiting: int = 64  # checks that may wait for a thread
    iterations: int = ITERATIONS  # of new keys for SCRAM
    mechanisms: frozenset[str] = frozenset(MECHANISMS)
    anonymous: str = ""  # the account that ANONYMOUS reads as; empty: none
    hostname: str = "localhost"


class _Busy(Exception):
    """Too many passwords wait to be checked: the peer may try again later."""


class Store(Protocol):
    """What is needed of the store."""

    def read(self, unit: Unit[T]) -> T: ...

    def write(self, unit: Unit[None]) -> object: ...


class Authenticator:
    """Checks what clients show; passwords a few at a time, off the loop."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        monotonic: Callable[[], float],
        *,
        now: Callable[[], float] = lambda: 0.0,
        vault: Vault | None = None,
        tokens: Tokens | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._monotonic = monotonic
        self._now = now
        self._vault = vault
        self._tokens = tokens
        self._guard = guard
        #: Who is in.
        self.presence = Presence(store)
        self._hasher = Hasher(settings.parameters)
        self._key = secrets.token_bytes(32)
        self._decoys = b""
        self._offers: dict[tuple[Abilities, str], Mapping[str, Mechanism]] = {}
        self._good: OrderedDict[bytes, float] = OrderedDict()  # digest -> until
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._pool = ThreadPoolExecutor(settings.checks, "password")
        # a hash that nobody knows the password of, first in the pool and so there for all others
        self._nobody = self._pool.submit(self._hasher.hash, secrets.token_hex(16))

    # What may be asked for

    def offers(self, service: str) -> Mapping[str, Mechanism]:
        """The mechanisms of a service (smtp, imap, pop3) that the accounts can be asked by."""
        found = self._store.read(abilities())
        offers = self._offers.get((found, service))
        if offers is None:
            offers = {
                name: each for name, each in MECHANISMS.items() if self._can(name, found, service)
            }
            self._offers[found, service] = offers
        return offers

    def offers_apop(self) -> bool:
        """Whether there are accounts for APOP."""
        return self._vault is not None and self._store.read(abilities()).legacy

    def _can(self, name: str, found: Abilities, service: str) -> bool:
        if name not in self._settings.mechanisms:
            return False
        if name in BY_KEYS:
            return found.scram
        if name in OLD:
            return found.legacy and self._vault is not None
        if name in BY_TOKEN:
            return self._tokens is not None
        if name == "ANONYMOUS":
            return bool(self._settings.anonymous) and service in FOR_ANYBODY
        return True

    def tell(self, question: Lookup) -> Keys | Secret | str:
        """What a mechanism needs on its way. Raises NoKey."""
        match question:
            case ScramKeys(user, hash_):
                return self._keys_of(user, hash_)
            case SharedSecret(user):
                return Secret(self._secret_of(user))
            case Stamp():
                moment = int(self._now())
                return f"<{secrets.token_hex(12)}.{moment}@{self._settings.hostname}>"

    def _keys_of(self, user: str, hash_: str) -> Keys:
        address = _canonical(user)
        key = self._store.read(find_key(address or "", hash_))
        if key is None:
            self._decoys = self._decoys or self._store.read(decoy_secret())
            key = decoy(self._decoys, address or user, hash_, self._settings.iterations)
        return Keys(
            key.salt, key.iterations, key.stored_key, key.server_key, secrets.token_urlsafe(18)
        )

    def _secret_of(self, user: str) -> bytes:
        address = _canonical(user) or ""
        sealed = self._store.read(find_secret(address))
        if sealed is None or self._vault is None:
            return secrets.token_bytes(32)
        return self._vault.open(address, sealed)

    # Who comes in

    async def check(self, question: Proof, service: str = "", peer: str = "") -> Login | Denied:
        """The account that the client has shown to be, or why there is none.

        Whoever fails again and again from the address of the peer has to wait.
        """
        watch = self._guard.watch(question, peer) if self._guard and peer else None
        if watch is None:
            return await self._judge(question, service)
        if watch.blocked and not self._remembers(question, service):
            return await watch.refused()
        found = await self._judge(question, service)
        wait = watch.after(found)
        if wait is not None:
            await wait
        return found

    async def _judge(self, question: Proof, service: str) -> Login | Denied:
        """Whom to act as (RFC 4422 §3.4.1) may only be the account itself."""
        match question:
            case Password():
                return await self._check_password(question, service)
            case Claim(_, user, identity, proved):
                return self._admit(user, identity, by_password=True) if proved else Denied()
            case Bearer(_, token, identity):
                return self._check_token(token, identity)
            case Certificate(addresses, identity):
                return self._check_certificate(addresses, identity)
            case Anonymous():
                allowed = self._settings.anonymous and service in FOR_ANYBODY
                return self._admit(self._settings.anonymous, "") if allowed else Denied()

    def _admit(self, name: str, identity: str, by_password: bool = False) -> Login | Denied:
        address = _canonical(name)
        found = None if address is None else self._store.read(find_account(address))
        if found is None or found.disabled:
            return Denied()
        grant = found.password if by_password else ""
        return self._as(Login(found.account, found.address, grant), identity)

    def _as(self, login: Login, identity: str) -> Login | Denied:
        if identity and _canonical(identity) != login.address:
            return Denied(Denial.AUTHORIZATION)
        return login

    def _check_token(self, token: str, identity: str) -> Login | Denied:
        if self._tokens is None:
            return Denied()
        try:
            return self._admit(self._tokens.check(token), identity)
        except Refused:
            return Denied()
        except OSError:
            return Denied(Denial.UNAVAILABLE)

    def _check_certificate(self, addresses: tuple[str, ...], identity: str) -> Login | Denied:
        """One of its addresses is the account's; which, the client may say."""
        if identity:
            wanted = _canonical(identity)
            addresses = tuple(each for each in addresses if wanted and _canonical(each) == wanted)
            if not addresses:
                return Denied(Denial.AUTHORIZATION)
        for address in addresses:
            found = self._admit(address, "")
            if isinstance(found, Login):
                return found
        return Denied()

    def enter(self, guest: Guest, login: Login) -> None:
        """A session has logged in; it is shut out when the log-in holds no more."""
        self.presence.enter(guest, login)

    def leave(self, guest: Guest, login: Login) -> None:
        """It has ended."""
        self.presence.leave(guest, login)

    # Passwords

    async def _check_password(self, question: Password, service: str) -> Login | Denied:
        try:
            login = await self._prove(question.user, question.password, service)
        except _Busy:
            return Denied(Denial.UNAVAILABLE)
        return Denied() if login is None else self._as(login, question.identity)

    async def _prove(self, name: str, password: str, service: str) -> Login | None:
        octets = prepare(password) or NO_PASSWORD
        address = _canonical(name)
        found = None
        if address is not None:
            found = self._store.read(find_candidates(address, password, service))
        if found is None or found.entrance.disabled:  # as long as for a name that exists
            await self._verify(secrets.token_bytes(16), "", octets)
            return None
        for candidate in found.candidates:
            if await self._is_right(found.entrance, candidate, octets):
                await self._note(found.entrance, candidate, password)
                return Login(found.entrance.account, found.entrance.address, candidate.hash)
        return None

    async def _is_right(self, entrance: Entrance, candidate: Candidate, octets: bytes) -> bool:
        stored = candidate.hash
        digest = fingerprint(self._key, b"%d" % entrance.account, stored.encode(), octets)
        until = self._good.get(digest)
        if until is not None and self._monotonic() < until:
            return True
        if not await self._verify(digest, stored, octets):
            return False
        self._remember(digest)
        return True

    def _remembers(self, question: Proof, service: str) -> bool:
        """Whether this password was good a while ago, so that it need not be guessed."""
        address = _canonical(question.user) if isinstance(question, Password) else None
        if address is None or not isinstance(question, Password):
            return False
        found = self._store.read(find_candidates(address, question.password, service))
        if found is None:
            return False
        octets, account = prepare(question.password) or NO_PASSWORD, b"%d" % found.entrance.account
        return any(
            self._good.get(fingerprint(self._key, account, each.hash.encode(), octets), 0.0)
            > self._monotonic()
            for each in found.candidates
        )

    async def _note(self, entrance: Entrance, candidate: Candidate, password: str) -> None:
        """What a good log-in leaves behind; where it cannot be written, it is good all the same."""
        unit: Unit[None]
        if candidate.prefix:
            now = int(self._now())
            if now - candidate.used < FRESH:
                return
            unit = note_use(entrance.account, candidate.prefix, now)
        elif entrance.scram:
            return
        else:  # the account is older than its keys
            iterations = self._settings.iterations
            work = self._pool.submit(make_key, password, SHA_256, iterations)
            key = await asyncio.wrap_future(work)
            unit = learn_key(entrance.account, candidate.hash, key)
        with suppress(StoreUnavailable):
            written = self._store.write(unit)
            if isinstance(written, Awaitable):
                await written

    def close(self) -> None:
        """Forget everything."""
        self._good.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

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
        self._good[digest] = self._monotonic() + self._settings.remember
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
