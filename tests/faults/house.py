"""The parts of Posthouse that keep letters, on a disk that is written down."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import apsw

from posthouse.mda.delivery import LocalDelivery
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.queue import Queue
from posthouse.mta.queue.schedule import Schedule
from posthouse.mta.queue.units import Written, release_leases
from posthouse.mta.report.reporter import Reporter
from posthouse.mta.report.settlement import Settlement
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import ROW, Prepared, prepare, prepare_file
from posthouse.store.mailboxes import create_default_mailboxes
from posthouse.store.migrate import migrate
from posthouse.store.store import Store
from posthouse.store.unit import Work, one_of, run
from posthouse.store.writer import settle

from .disk import Disk

SENDER = "sender@faults.example"
PATIENCE = 30.0  # seconds that anything may take


def address(account: int) -> str:
    return f"user{account}@faults.example"


@dataclass
class ErrorLog:
    """Keeps what is logged as an error."""

    errors: list[str] = field(default_factory=list)

    def info(self, event: str, **fields: object) -> None:
        """Nothing is wrong."""

    def warning(self, event: str, **fields: object) -> None:
        """Nothing is wrong with the store."""

    def error(self, event: str, **fields: object) -> None:
        self.errors.append(f"{event} {fields}")


@dataclass
class House:
    """A worker's store, queue and delivery."""

    disk: Disk
    store: Store
    blobs: BlobFiles
    queue: Queue
    log: ErrorLog

    async def prepare(self, content: bytes) -> Prepared:
        """As the agents do it: what is large goes into a file. Raises OSError."""
        if len(content) <= ROW:
            return prepare(content)
        return await asyncio.to_thread(self._prepare_file, content)

    def _prepare_file(self, content: bytes) -> Prepared:
        writer = self.blobs.begin()
        try:
            for start in range(0, len(content), ROW // 2):
                writer.write(content[start : start + ROW // 2])
            return prepare_file(writer.finish(), len(content), content[:ROW])
        except OSError:
            writer.abandon()
            raise

    def accept(
        self, prepared: Prepared, content: bytes, recipients: tuple[int, ...]
    ) -> asyncio.Future[Written]:
        """Hand a letter to the queue, as the receiving agents do."""
        letter = Letter(
            SENDER, prepared, "test", octets=None if prepared.file is not None else content
        )
        people = [Recipient(address(account), "faults.example", account) for account in recipients]
        taken: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self.queue.accept_then(letter, people, self.queue.new_name(), partial(settle, taken))
        return taken

    async def delivered(self) -> None:
        """Wait until nothing is in the queue."""
        changed = asyncio.Event()
        stop = self.store.listen("account", lambda _key, _value: changed.set())
        try:
            async with asyncio.timeout(PATIENCE):
                while self.store.read(waits):
                    await changed.wait()
                    changed.clear()
        finally:
            stop()


def waits() -> Work[bool]:
    return (yield from one_of("SELECT 1 FROM queue_recipient LIMIT 1")) is not None


@asynccontextmanager
async def open_house(disk: Disk) -> AsyncIterator[House]:
    """Start as the server does: migrate, take back the leases of the dead, deliver."""
    migrate(disk.root, disk.vfs)
    store = Store(disk.root, disk.vfs)
    blobs = BlobFiles(disk.root, disk.layer)
    numbers, log, lease = itertools.count(), ErrorLog(), secrets.token_hex(4)
    queue = Queue(store, lease, time.time, lambda: f"q{next(numbers)}")
    reporter = Reporter(store, "mx.example", time.time)
    settlement = Settlement(store, reporter, Schedule(), time.time, lambda: 0.5, log)
    delivery = LocalDelivery(store, blobs, queue, lease, settlement, time.time, log)
    delivering: asyncio.Task[None] | None = None
    try:
        await store.write(release_leases(""))
        delivering = asyncio.create_task(delivery.run())
        yield House(disk, store, blobs, queue, log)
    finally:
        if delivering is not None:
            delivering.cancel()
            with suppress(asyncio.CancelledError):
                await delivering
        # SQLite passes over a last checkpoint that fails, if the error does not come from Python.
        with suppress(apsw.IOError):
            store.close()


def add_accounts(accounts: int) -> Work[None]:
    """Accounts no. 1 to `accounts`, with the mailboxes of new accounts."""
    for account in range(1, accounts + 1):
        yield from run(
            "INSERT INTO account (id, address, password, created) VALUES (?1, ?2, '', 0)",
            account,
            address(account),
        )
        yield from create_default_mailboxes(account, 1)
