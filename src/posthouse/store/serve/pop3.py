"""The agent that answers POP3 engines from the INBOX of the account that has logged in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import overload

from posthouse.message.surrogate import surrogate
from posthouse.protocols.dialogue import Damaged
from posthouse.protocols.engine import Engine
from posthouse.protocols.erring import Erred
from posthouse.protocols.pop3.capabilities import ALL
from posthouse.protocols.pop3.events import (
    Block,
    Gone,
    Maildrop,
    NeedsUtf8,
    NextBlock,
    Open,
    Opening,
    Retrieval,
    Retrieve,
    Retrieved,
    Unavailable,
    Update,
)
from posthouse.protocols.pop3.language import ENGLISH, find_language
from posthouse.protocols.pop3.policy import LENIENT, Policy
from posthouse.protocols.pop3.server import serve
from posthouse.protocols.pop3.session import Session
from posthouse.runtime.patience import Patience
from posthouse.runtime.service import Log, Notify, Peer

from ..blobs.files import BlobFiles
from ..contents import ContentDamaged
from ..database import StoreUnavailable
from ..expiry import note_retrieved
from ..lock import Lock, lock_maildrop
from ..maildrop import (
    Found,
    Listing,
    count_messages,
    delete_messages,
    find_message,
    last_login,
    list_messages,
    note_login,
)
from ..sent_sizes import NO_SURROGATE, Measure, measure, measure_messages, note_measures
from ..store import Store
from .login import QUESTIONS, Authenticator, Door
from .pop3_languages import languages

SHORT = 500  # messages that are listed or deleted on the loop; more are in a thread
FEW = 20  # messages that are looked at on the loop, by those who log in for the first time since
BLOCK = 128 * 1024  # octets of a large content that are read at once
MEASURED_AT_ONCE = 2  # large messages of a worker

IN_USE = Unavailable("IN-USE", "another session has the maildrop")
NO_MAILDROP = Unavailable("SYS/PERM", "there is no maildrop")
TOO_SOON = Unavailable("LOGIN-DELAY", "you have logged in a short time ago, wait a while")


@dataclass(frozen=True, slots=True)
class Settings:
    hostname: str
    implementation: str = "Posthouse"
    errors_allowed: int = 20
    logins_allowed: int = 5
    login_within: float = 120.0  # seconds
    plaintext_on_loopback: bool = True
    policy: Policy = LENIENT
    login_delay_except: frozenset[str] = frozenset()  # addresses of accounts
    expire_except: frozenset[str] = frozenset()
    language: str = ENGLISH.tag  # that the operator prefers

    def policy_for(self, address: str) -> Policy:
        """What goes for one account."""
        policy = replace(self.policy, login_delay_varies=False, expire_varies=False)
        if address in self.login_delay_except and policy.login_delay is not None:
            policy = replace(policy, login_delay=0)
        return replace(policy, expire=None) if address in self.expire_except else policy


class Pop3:
    """The service: an engine and an agent for each connection."""

    def __init__(
        self,
        store: Store,
        blobs: BlobFiles,
        authenticator: Authenticator,
        settings: Settings,
        now: Callable[[], float],
        log: Log,
        tls_available: bool,
        patience: Patience | None = None,
    ) -> None:
        self.store = store
        self.blobs = blobs
        self.authenticator = authenticator
        self.settings = settings
        self.now = now
        self.log = log
        self.tls_available = tls_available
        self.patience = patience
        self.languages = languages()
        self.preferred = find_language(self.languages, settings.language) or ENGLISH
        self.measuring = asyncio.Semaphore(MEASURED_AT_ONCE)

    def begin(self, peer: Peer, notify: Notify) -> tuple[Engine, Pop3Agent]:
        """A connection has come."""
        settings = self.settings
        session = Session(
            settings.hostname,
            ALL,
            self.authenticator.offers("pop3"),
            implementation=settings.implementation,
            tls_available=self.tls_available,
            plaintext_allowed=settings.plaintext_on_loopback and peer.is_loopback,
            apop=self.authenticator.offers_apop(),
            errors_allowed=settings.errors_allowed,
            logins_allowed=settings.logins_allowed,
            login_within=settings.login_within,
            policy=settings.policy,
            languages=self.languages,
            preferred=self.preferred,
            secure=peer.tls is not None,
            tls=peer.tls,
            pauses=self.patience is not None,
        )
        return serve(session), Pop3Agent(self, peer, notify)


class Pop3Agent:
    """One connection."""

    def __init__(self, service: Pop3, peer: Peer, notify: Notify) -> None:
        self._service = service
        self._peer = peer
        self._door = Door(service.authenticator, "pop3", "pop3", peer.address, service.log, notify)
        self._lock: Lock | None = None
        self._listing = Listing(0, (), (), ())
        self._utf8 = False
        self._retrieved: set[int] = set()  # UIDs of what may expire
        self._prefix = b""  # what goes before the large content
        self._file = ""  # the large content that is being sent
        self._held = b""  # or the surrogate of one
        self._size = 0
        self._sent = 0

    def ask(self, question: object) -> object:
        """The answer, or an awaitable of it."""
        self._door.require_in()
        if isinstance(question, QUESTIONS):
            return self._door.ask(question)
        match question:
            case Open(_, utf8):
                self._utf8 = utf8
                return self._open()
            case Retrieve(number):
                return self._retrieve(number - 1)
            case NextBlock():
                return self._next_block()
            case Erred():
                return self._service.patience and self._service.patience.erred(self._peer.address)
            case Update(deleted):
                return self._update(deleted)
        raise AssertionError(f"not a question of POP3: {question!r}")

    def show(self, event: object) -> None:
        """A message has been retrieved."""
        assert isinstance(event, Retrieved)
        self._retrieved.add(self._listing.uids[event.number - 1])

    def closed(self) -> None:
        """The connection has gone; what was marked stays (RFC 1939 §6)."""
        self._note_retrieved()
        self._release()
        self._door.leave()

    # The maildrop

    async def _open(self) -> Opening:
        """RFC 1939 §4: lock first, then look."""
        assert self._door.login is not None, "nobody has logged in"
        account = self._door.login.account
        policy = self._service.settings.policy_for(self._door.login.address)
        self._lock = lock_maildrop(self._service.store.directory, account)
        if self._lock is None:
            return IN_USE
        opening: Opening = NO_MAILDROP
        try:
            opening = await self._list(account, policy)
        finally:
            if not isinstance(opening, Maildrop):
                self._release()
        return opening

    async def _list(self, account: int, policy: Policy) -> Opening:
        """The maildrop, which is held."""
        store = self._service.store
        now = int(self._service.now() * 1000)
        if policy.login_delay:  # RFC 2449 §6.5; a clock that went back delays nobody
            passed = now - store.read(last_login(account))
            if 0 <= passed < policy.login_delay * 1000:
                return TOO_SOON
        if store.read(count_messages(account)) <= SHORT:
            listing = store.read(list_messages(account))
        else:
            listing = await store.read_long(list_messages(account))
        if listing is None:
            return NO_MAILDROP
        self._listing = listing.with_measures(await self._measure(account, listing))
        if policy.login_delay:
            with contextlib.suppress(StoreUnavailable):  # one can read all the same
                await store.write(note_login(account, now))
        return Maildrop(self._sizes(), UniqueIds(listing), policy)

    def _sizes(self) -> Sequence[int]:
        """What this client gets of each message."""
        listing = self._listing
        if self._utf8 or not any(listing.surrogates):
            return listing.sizes
        both = zip(listing.sizes, listing.surrogates, strict=True)
        return [other if other > 0 else size for size, other in both]

    async def _measure(self, account: int, listing: Listing) -> dict[int, Measure]:
        """Look at messages that have come since; what is found is kept with them.

        One that is damaged keeps the size that was filed: who retrieves it is told.
        """
        store = self._service.store
        uids = [listing.uids[index] for index in listing.unknown]
        measures: dict[int, Measure] = {}
        for start in range(0, len(uids), SHORT):
            unit = measure_messages(account, uids[start : start + SHORT])
            small, large = store.read(unit) if len(uids) <= FEW else await store.read_long(unit)
            measures |= small
            for each in large:
                with contextlib.suppress(Damaged):
                    async with self._service.measuring:
                        octets = await self._read(each.file, 0, each.size)
                        measures[each.uid] = await asyncio.to_thread(measure, each.prefix + octets)
        if measures:
            kept = store.write(note_measures(account, measures), long=len(measures) > SHORT)
            kept.add_done_callback(forget)
        return measures

    async def _update(self, deleted: tuple[int, ...]) -> bool:
        """RFC 1939 §6: delete in one unit, then release the maildrop, then answer."""
        assert self._door.login is not None, "nobody has logged in"
        self._note_retrieved()
        lock, self._lock = self._lock, None
        assert lock is not None, "the maildrop is not held"
        if not deleted:
            lock.release()
            return True
        uids = [self._listing.uids[number - 1] for number in deleted]
        service = self._service
        work = service.store.write(
            delete_messages(
                self._door.login.account, self._listing.uid_validity, uids, int(service.now())
            ),
            long=len(uids) > SHORT,
        )
        # It completes, and the maildrop is held until then, also if the client goes away now.
        work.add_done_callback(lambda _: lock.release())
        await asyncio.shield(work)
        return True

    def _note_retrieved(self) -> None:
        """What the client has may expire from now on."""
        if self._retrieved and self._door.login is not None:
            uids, self._retrieved = sorted(self._retrieved), set()
            service, listing = self._service, self._listing
            service.store.write(
                note_retrieved(
                    self._door.login.account, listing.uid_validity, uids, int(service.now())
                ),
                long=len(uids) > SHORT,
            ).add_done_callback(forget)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # A message

    def _retrieve(self, index: int) -> object:
        assert self._door.login is not None, "nobody has logged in"
        uid = self._listing.uids[index]
        other = 0 if self._utf8 else self._listing.surrogates[index]
        if other == NO_SURROGATE:
            return NeedsUtf8()
        self._held = self._prefix = b""
        unit = find_message(self._door.login.account, self._listing.uid_validity, uid)
        try:
            found = self._service.store.read(unit)
        except ContentDamaged as error:
            raise Damaged(str(error)) from error
        if found is None:
            return Gone()
        content = found.content
        if other:
            return self._retrieve_surrogate(found)
        if content.file is None:
            assert content.octets is not None
            return Block(found.prefix + content.octets, last=True)
        self._prefix = found.prefix
        self._file, self._size, self._sent = content.file, content.size, 0
        return self._next_block()

    async def _retrieve_surrogate(self, found: Found) -> Retrieval:
        """A conventional message in place of it (RFC 6856 §2.1)."""
        content, octets = found.content, found.content.octets
        if octets is not None:
            return Block(surrogate(found.prefix + octets), last=True)
        assert content.file is not None
        async with self._service.measuring:
            octets = await self._read(content.file, 0, content.size)
            self._held = await asyncio.to_thread(surrogate, found.prefix + octets)
        self._size, self._sent = len(self._held), 0
        return self._block(self._held[:BLOCK])

    def _next_block(self) -> object:
        """At once what the system has in memory; a thread waits for the disk."""
        wanted = min(BLOCK, self._size - self._sent)
        if self._held:
            return self._block(self._held[self._sent : self._sent + wanted])
        octets = self._service.blobs.read_at_hand(self._file, self._sent, wanted)
        return self._read_block(wanted) if octets is None else self._block(octets)

    async def _read_block(self, wanted: int) -> Block:
        return self._block(await self._read(self._file, self._sent, wanted))

    async def _read(self, file: str, offset: int, length: int) -> bytes:
        """So many octets of a large content, by a thread. Raises Damaged, OSError."""
        try:
            octets = await asyncio.to_thread(self._service.blobs.read, file, offset, length)
        except FileNotFoundError as error:
            raise Damaged(f"the file {file} is not there") from error
        if len(octets) != length:
            raise Damaged(f"the file {file} is too short")
        return octets

    def _block(self, octets: bytes) -> Block:
        self._sent += len(octets)
        prefix, self._prefix = self._prefix, b""
        return Block(prefix + octets, last=self._sent == self._size)


def forget(done: asyncio.Future[None]) -> None:
    """Nobody waits for it, and what was not written is found again another time."""
    if not done.cancelled():
        done.exception()


class UniqueIds(Sequence[str]):
    """Unique-ids (RFC 1939 §7), made of UIDVALIDITY and UID: no message ever has another's."""

    def __init__(self, listing: Listing) -> None:
        self._prefix = f"{listing.uid_validity}."
        self._uids = listing.uids

    def __len__(self) -> int:
        return len(self._uids)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        prefix = self._prefix
        if isinstance(index, int):
            return f"{prefix}{self._uids[index]}"
        return [f"{prefix}{uid}" for uid in self._uids[index]]
