"""A store with the services smtp and submission, as one worker process has them."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from posthouse.accounts.accounts import add_account
from posthouse.accounts.authenticator import Authenticator
from posthouse.accounts.authenticator import Settings as PasswordSettings
from posthouse.accounts.credentials import Hasher, Parameters
from posthouse.accounts.directory import SEPARATOR, changed
from posthouse.accounts.domains import add_domain
from posthouse.msa.agent import Submission
from posthouse.mta.queue.queue import Queue
from posthouse.mta.receive.agent import Transfer
from posthouse.mta.receive.incoming import House
from posthouse.mta.receive.recipients import Finder
from posthouse.mta.receive.room import Room
from posthouse.protocols.smtp.session import Settings
from posthouse.runtime.census import Census, Limits
from posthouse.runtime.connection import Connection
from posthouse.runtime.log import open_log
from posthouse.runtime.service import Service
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import read_content
from posthouse.store.migrate import migrate
from posthouse.store.space import Space
from posthouse.store.store import Store
from posthouse.store.unit import Unit, Work, rows_of, run

CHEAP = Parameters(memory=8, passes=1)
NOON = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 +0000
ALIASES = {
    "staff@a.example": ["ann@a.example", "bob@a.example", "far@f.example", "all@a.example"],
    "all@a.example": ["staff@a.example", "bob@a.example"],
    "info@a.example": ["ann@a.example"],
    "lost@a.example": ["lost2@a.example"],
    "lost2@a.example": ["lost@a.example"],
}


@dataclass(frozen=True, slots=True)
class Queued:
    """A letter in the queue."""

    reverse_path: str
    recipients: list[tuple[str, int]]  # address, account
    content: bytes
    account: int
    body: str
    source: str
    in_file: bool


@dataclass
class TestHouse:
    """What a test works with."""

    __test__ = False

    directory: Path
    store: Store
    blobs: BlobFiles
    transfer: Transfer
    submission: Submission
    census: Census
    servers: list[asyncio.Server] = field(default_factory=list)

    async def listen(self, service: Transfer | Submission) -> Callable[[], socket.socket]:
        """Serve on a free port; gives how to connect."""
        offer = Service("smtp", service.begin)
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(offer, self.census), "127.0.0.1", 0
        )
        self.servers.append(server)
        address = server.sockets[0].getsockname()
        return lambda: socket.create_connection(address, 10)

    def queued(self) -> list[Queued]:
        return [self._queued(row) for row in self.store.read(_letters)]

    def _queued(self, row: tuple[int, int, str, int, str, str]) -> Queued:
        message, content, reverse_path, account, body, source = row
        stored = self.store.read(lambda: read_content(content))
        assert stored is not None
        octets = stored.octets
        if octets is None:
            assert stored.file is not None
            octets = self.blobs.read_all(stored.file)
        assert len(octets) == stored.size
        recipients = self.store.read(_recipients(message))
        return Queued(
            reverse_path, recipients, octets, account, body, source, stored.octets is None
        )

    def files(self) -> list[Path]:
        return [path for path in (self.directory / "blobs").rglob("*") if path.is_file()]


def _write_aliases() -> Work[None]:
    for address, targets in ALIASES.items():
        for target in targets:
            yield from run("INSERT INTO alias (address, target) VALUES (?1, ?2)", address, target)
    yield from changed()


def _letters() -> Work[list[tuple[int, int, str, int, str, str]]]:
    return (
        yield from rows_of(
            "SELECT id, content, reverse_path, account, body, source FROM queue_message ORDER BY id"
        )
    )


def _recipients(message: int) -> Unit[list[tuple[str, int]]]:
    def unit() -> Work[list[tuple[str, int]]]:
        return (
            yield from rows_of(
                "SELECT forward_path, account FROM queue_recipient WHERE message = ?1"
                " ORDER BY number",
                message,
            )
        )

    return unit


@asynccontextmanager
async def opened(directory: Path, reserve: int = 0) -> AsyncIterator[TestHouse]:
    migrate(directory)
    log = open_log(write=lambda _: None)
    store = Store(directory)
    blobs = BlobFiles(directory)
    numbers = itertools.count(1)
    queue = Queue(store, "lease", lambda: NOON, lambda: f"Q{next(numbers)}")
    finder = Finder(store, SEPARATOR)
    authenticator = Authenticator(store, PasswordSettings(CHEAP), time.monotonic)
    settings = Settings("mx.example", largest=1_000_000)
    house = House(queue, blobs, log, hops=50)
    room = Room(Space(store, directory, reserve, 1 << 30, time.monotonic))
    here = TestHouse(
        directory,
        store,
        blobs,
        Transfer(house, room, finder, settings, lambda: NOON),
        Submission(house, room, store, finder, authenticator, settings, lambda: NOON),
        Census(Limits(), log),
    )
    try:
        await populate(store)
        yield here
    finally:
        for server in here.servers:
            server.close()
        await here.census.finish(5)
        authenticator.close()
        store.close()


async def populate(store: Store) -> None:
    secret = Hasher(CHEAP).hash("secret")
    await store.write(add_domain("a.example", 0))
    for name in ("ann", "bob"):
        await store.write(add_account(f"{name}@a.example", secret, 0))
    # As they may be after an account was removed: `add_alias` refuses those that lead in circles.
    await store.write(_write_aliases)


def in_house(
    directory: Path, test: Callable[[TestHouse], Awaitable[None]], reserve: int = 0
) -> None:
    """Run a test in a house of its own."""

    async def main() -> None:
        async with opened(directory, reserve) as here:
            await test(here)

    asyncio.run(main())
