"""A whole worker in this process, on a disk that is written down, with another site to relay to."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest

from posthouse import main
from posthouse.accounts.accounts import add_account
from posthouse.accounts.credentials import Hasher, Parameters
from posthouse.accounts.domains import add_domain
from posthouse.config.loading import load
from posthouse.runtime.clock import SystemClock
from posthouse.runtime.log import Log, open_log
from posthouse.runtime.tls import CertificateFiles, ServerContext, make_self_signed, server_context
from posthouse.store.blobs import files
from posthouse.store.database import FILE
from posthouse.store.direct import DirectStore
from posthouse.store.migrate import migrate
from tests.system.peer import Peer, Taken

from .disk import Disk

DOMAIN = "faults.example"
ABROAD, NEVER = "abroad.example", "never.example"
PASSWORD = "correct horse"
SERVICES = ("smtp", "submissions", "imap", "pop3")
ACCOUNTS = tuple(f"user{number}@{DOMAIN}" for number in range(1, 5))
SETTINGS = (
    f"hostname=mx.{DOMAIN}",
    "queue.first_wait=1",
    "queue.longest_wait=1",
    "relay.first_wait=1",
    "relay.longest_wait=1",
    "storage.index_delay=3600",  # the index is not what is looked at
    "passwords.memory=8",
    "passwords.passes=1",
    "log_in.mechanisms=PLAIN,LOGIN",
)
PATIENCE = 60.0
_number = re.compile(rb"^Message-ID: <(\d+)@faults\.example>", re.MULTILINE).search
_event = re.compile(rb"event=(relayed|failed) .*?queue=(\w+) recipient=(\S+)")


def number_in(content: bytes) -> int:
    """Which letter a content is, or is about."""
    match = _number(content)
    assert match is not None, content[:300]
    return int(match[1])


@dataclass(frozen=True, slots=True)
class Relayed:
    """A sink has said 250 to a letter for somebody."""

    at: int
    number: int
    recipient: str


@dataclass
class Sinks:
    """Other sites: one that takes all, one that takes nobody."""

    position: Any  # how far the log of the disk is
    relayed: list[Relayed] = field(default_factory=list)

    def __post_init__(self) -> None:
        port = free_port()
        self.taking = Peer("127.0.0.1", port, name=f"mx.{ABROAD}")
        self.taking.letters = Taking(self)
        other = free_port()
        self.refusing = Peer("127.0.0.1", other, "RCPT 550 5.1.1 nobody", name=f"mx.{NEVER}")
        self.routes = (
            f'[routes."{ABROAD}"]\nto = "127.0.0.1:{port}"\ntls = "none"\n'
            f'[routes."{NEVER}"]\nto = "127.0.0.1:{other}"\ntls = "none"\n'
        )

    def close(self) -> None:
        self.taking.close()
        self.refusing.close()


class Taking(list[Taken]):
    """Writes down what came, and when."""

    def __init__(self, sinks: Sinks) -> None:
        super().__init__()
        self._sinks = sinks

    def append(self, taken: Taken) -> None:
        number, at = number_in(taken.content), self._sinks.position()
        self._sinks.relayed += [Relayed(at, number, each) for each in taken.recipients]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@dataclass
class Lines:
    """The log: what was concluded and when, and what went wrong."""

    position: Any
    concluded: list[tuple[int, str, str]] = field(default_factory=list)  # when, queue id, recipient
    errors: list[str] = field(default_factory=list)

    def write(self, line: bytes) -> None:
        if b"level=error" in line or b"Traceback" in line:
            self.errors.append(line.decode())
        if found := _event.search(line):
            self.concluded.append((self.position(), found[2].decode(), found[3].decode()))

    def open(self) -> Log:
        return open_log(write=self.write)


@contextmanager
def on(disk: Disk) -> Iterator[None]:
    """Everything that the server does in its data directory goes to this disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "FileLayer", lambda: disk.layer)
        patch.setattr(main, "REMINDER", 1.0)
        yield


def set_up(directory: Path) -> None:
    """A data directory with accounts, before anything is written down."""
    migrate(directory)
    hasher = Hasher(Parameters(8, 1, 1))
    with DirectStore(directory) as store:
        store.write(add_domain(DOMAIN, 0))
        for address in ACCOUNTS:
            store.write(add_account(address, hasher.hash(PASSWORD), 0))


_WAITING = "SELECT 1 FROM queue_recipient LIMIT 1"


@dataclass
class Running:
    """A worker that serves."""

    worker: main.Worker
    addresses: dict[str, tuple[str, int]]
    directory: Path

    async def until_sent(self) -> None:
        """Nothing waits in the queue any more."""
        with closing(apsw.Connection(str(self.directory / FILE))) as connection:
            async with asyncio.timeout(PATIENCE):
                while connection.execute(_WAITING).fetchall():  # noqa: ASYNC110  nobody tells
                    await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    disk: Disk, settings: Path, tls: ServerContext, lines: Lines
) -> AsyncIterator[Running]:
    """Start as `serve` does, and end in order."""
    migrate(disk.root)
    config = load(settings, SETTINGS)
    worker = main.Worker(config, tls, 0, disk.root, lines.open(), SystemClock())
    sockets = {name: [socket.create_server(("127.0.0.1", 0))] for name in SERVICES}
    for (bound,) in sockets.values():
        bound.setblocking(False)
    try:
        await worker.start(sockets)
        addresses = {name: bound[0].getsockname() for name, bound in sockets.items()}
        yield Running(worker, addresses, disk.root)
    finally:
        await worker.stop()


def make_tls(directory: Path) -> ServerContext:
    pair = CertificateFiles(directory / "c.pem", directory / "c.key")
    make_self_signed(pair, [f"mx.{DOMAIN}"])
    return server_context(pair)
