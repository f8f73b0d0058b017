"""Posthouse, started as the tests start it, under a keeper."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from tests.system.server import Server

from bench.peers import PASSWORD, Peer
from bench.peers.readers import READERS
from bench.peers.sink import DOMAIN as RELAYED
from bench.peers.sink import Sink

DOMAIN = "bench.example"
AWAY = "away.example"  # a domain of others whose letters we take
HELD = f"accept rows: relay.backup_for = {AWAY}, queue.hold_outgoing = true"
SERVED = ("smtp", "submission", "lmtp", "imap", "pop3")
INDEXED = (
    "storage.index_delay = 3600: letters are indexed for the search rows, before the clock runs"
)


class Posthouse(Peer):
    """A Posthouse with some workers; its defaults but for the ports."""

    version = importlib.metadata.version("posthouse")
    workers = 1
    more: Mapping[str, object] = MappingProxyType(
        {"queue.hold_outgoing": True, "relay.backup_for": AWAY, "storage.index_delay": 3600}
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = Server(
            data=folder,
            settings={"workers": self.workers, **self.more},
            command=(sys.executable, "-m", "posthouse"),
            wrapper=(sys.executable, "-m", "bench.keeper"),
            patience=900.0,  # the index of a large mailbox takes a while
        )

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server.start()
        try:
            self.users = [f"user{number}@{DOMAIN}" for number in range(20)]
            self.server.add_accounts([*self.users, *READERS], PASSWORD)
            self.away = [f"user{number}@{AWAY}" for number in range(20)]
        except BaseException:
            self.server.close()
            raise
        self.keeper = self.server.pid
        self.ports = {name: self.server.port(name) for name in SERVED}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.close()


class Posthouse1(Posthouse):
    """One worker."""

    name = "posthouse-1"
    settings = (
        "workers = 1",
        "accept rows: smtp, to aliases of another site; queue.hold_outgoing = true",
        INDEXED,
    )


class Posthouse2(Posthouse):
    """Two workers."""

    name = "posthouse-2"
    workers = 2
    settings = (
        "workers = 2",
        "accept rows: smtp, to aliases of another site; queue.hold_outgoing = true",
        INDEXED,
    )


class PosthouseRelay(Posthouse):
    """Hands on what it takes as backup for a domain, to one other host."""

    more: Mapping[str, object] = MappingProxyType({"relay.backup_for": RELAYED})

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sink: Sink | None = None

    def __enter__(self) -> Self:
        self.sink = Sink()
        self.folder.mkdir(parents=True, exist_ok=True)
        route = f'[routes]\n"{RELAYED}" = "127.0.0.1:{self.sink.port}"\n'
        (self.folder / "posthouse.toml").write_text(route)
        super().__enter__()
        self.users = [f"user{number}@{RELAYED}" for number in range(20)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        if self.sink is not None:
            self.sink.close()


class PosthouseRelay1(PosthouseRelay):
    """One worker."""

    name = "posthouse-relay-1"
    settings = ("workers = 1", "relay.backup_for and a route to the sink")


class PosthouseRelay2(PosthouseRelay):
    """Two workers."""

    name = "posthouse-relay-2"
    workers = 2
    settings = ("workers = 2", "relay.backup_for and a route to the sink")
