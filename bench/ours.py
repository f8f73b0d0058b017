"""Posthouse, started as the tests start it, under a keeper."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.system.server import Server

from bench.peers import PASSWORD, Peer

DOMAIN = "bench.example"
AWAY = "away.example"  # a domain of others whose letters we take
HELD = f"accept rows: relay.backup_for = {AWAY}, queue.hold_outgoing = true"


class Posthouse(Peer):
    """A Posthouse with some workers; its defaults but for the ports."""

    version = "this checkout"
    workers = 1

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = Server(
            data=folder,
            settings={
                "workers": self.workers,
                "queue.hold_outgoing": "true",
                "relay.backup_for": AWAY,
            },
            command=(sys.executable, "-m", "posthouse"),
            wrapper=(sys.executable, "-m", "bench.keeper"),
        )

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server.start()
        try:
            self.users = [f"user{number}@{DOMAIN}" for number in range(20)]
            self.server.add_accounts([*self.users, self.reader], PASSWORD)
            self.away = [f"user{number}@{AWAY}" for number in range(20)]
        except BaseException:
            self.server.close()
            raise
        self.keeper = self.server.pid
        self.ports = {name: self.server.port(name) for name in ("smtp", "submission", "imap")}
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
    )


class Posthouse2(Posthouse):
    """Two workers."""

    name = "posthouse-2"
    workers = 2
    settings = (
        "workers = 2",
        "accept rows: smtp, to aliases of another site; queue.hold_outgoing = true",
    )
