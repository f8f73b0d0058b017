"""The agent that answers POP3 engines from the INBOX of the account that has logged in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

from posthouse.protocols.engine import Engine
from posthouse.protocols.pop3.capabilities import ALL
from posthouse.protocols.pop3.events import (
    Block,
    Gone,
    Maildrop,
    NextBlock,
    Open,
    Opening,
    Retrieval,
    Retrieve,
    Unavailable,
    Update,
)
from posthouse.protocols.pop3.server import serve
from posthouse.protocols.pop3.session import Session
from posthouse.runtime.connection import Log, Notify, Peer

from ..blobs.files import BlobFiles
from ..lock import Lock, lock_maildrop
from ..maildrop import Listing, count_messages, delete_messages, find_message, list_messages
from ..store import Store
from .login import QUESTIONS, Authenticator, Door

SHORT = 500  # messages that are listed or deleted on the loop; more are in a thread
BLOCK = 128 * 1024  # octets of a large content that are read at once

IN_USE = Unavailable("IN-USE", "another session has the maildrop")
NO_MAILDROP = Unavailable("SYS/PERM", "there is no maildrop")


@dataclass(frozen=True, slots=True)
class Settings:
    hostname: str
    implementation: str = "Posthouse"
    errors_allowed: int = 20
    logins_allowed: int = 5
    login_within: float = 120.0  # seconds
    plaintext_on_loopback: bool = True


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
    ) -> None:
        self.store = store
        self.blobs = blobs
        self.authenticator = authenticator
        self.settings = settings
        self.now = now
        self.log = log
        self.tls_available = tls_available

    def begin(self, peer: Peer, _notify: Notify) -> tuple[Engine, Pop3Agent]:
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
            secure=peer.tls is not None,
            tls=peer.tls,
        )
        return serve(session), Pop3Agent(self, peer)


class Pop3Agent:
    """One connection."""

    def __init__(self, service: Pop3, peer: Peer) -> None:
        self._service = service
        self._peer = peer
        self._door = Door(service.authenticator, "pop3", "pop3", peer.address, service.log)
        self._lock: Lock | None = None
        self._listing = Listing(0, (), ())
        self._prefix = b""  # what goes before the large content
        self._file = ""  # the large content that is being sent
        self._size = 0
        self._sent = 0

    def ask(self, question: object) -> object:
        """The answer, or an awaitable of it."""
        if isinstance(question, QUESTIONS):
            return self._door.ask(question)
        match question:
            case Open():
                return self._open()
            case Retrieve(number):
                return self._retrieve(self._listing.uids[number - 1])
            case NextBlock():
                return self._next_block()
            case Update(deleted):
                return self._update(deleted)
        raise AssertionError(f"not a question of POP3: {question!r}")

    def show(self, event: object) -> None:
        """Nothing is shown."""

    def closed(self) -> None:
        """The connection has gone; what was marked stays (RFC 1939 §6)."""
        self._release()

    # The maildrop

    async def _open(self) -> Opening:
        """RFC 1939 §4: lock first, then look."""
        assert self._door.login is not None, "nobody has logged in"
        account = self._door.login.account
        store = self._service.store
        self._lock = lock_maildrop(store.directory, account)
        if self._lock is None:
            return IN_USE
        try:
            if store.read(count_messages(account)) <= SHORT:
                listing = store.read(list_messages(account))
            else:
                listing = await store.read_long(list_messages(account))
        except BaseException:
            self._release()
            raise
        if listing is None:
            self._release()
            return NO_MAILDROP
        self._listing = listing
        return Maildrop(listing.sizes, UniqueIds(listing))

    async def _update(self, deleted: tuple[int, ...]) -> bool:
        """RFC 1939 §6: delete in one unit, then release the maildrop, then answer."""
        assert self._door.login is not None, "nobody has logged in"
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

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # A message

    def _retrieve(self, uid: int) -> object:
        assert self._door.login is not None, "nobody has logged in"
        found = self._service.store.read(
            find_message(self._door.login.account, self._listing.uid_validity, uid)
        )
        if found is None:
            return Gone()
        content = found.content
        if content.file is None:
            assert content.octets is not None
            return Block(found.prefix + content.octets, last=True)
        self._prefix = found.prefix
        self._file, self._size, self._sent = content.file, content.size, 0
        return self._next_block()

    async def _next_block(self) -> Retrieval:
        """A file is read in a thread: the disk may let one wait."""
        wanted = min(BLOCK, self._size - self._sent)
        octets = await asyncio.to_thread(self._service.blobs.read, self._file, self._sent, wanted)
        if len(octets) != wanted:
            raise OSError(f"{self._file} is shorter than {self._size} octets")
        self._sent += wanted
        prefix, self._prefix = self._prefix, b""
        return Block(prefix + octets, last=self._sent == self._size)


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
