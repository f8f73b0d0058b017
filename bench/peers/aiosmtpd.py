"""aiosmtpd with a handler that writes each message into a Maildir before its reply."""

from __future__ import annotations

import importlib.metadata
import sys

from bench.peers import Missing, Peer, free_ports

PLACE = "/opt/aiosmtpd"
USERS = 20


def _version() -> str:
    found = importlib.metadata.distributions(name="aiosmtpd", path=[*sys.path, PLACE])
    return next((each.version for each in found), "")


class Aiosmtpd(Peer):
    """One process; a file, synced, and its directory synced, for each recipient."""

    name = "aiosmtpd"
    version = _version()
    settings = (
        "bench.peers.maildirs: file and directory synced before the reply",
        "5 threads that write",
    )

    def prepare(self) -> list[str]:
        if not self.version:
            raise Missing("aiosmtpd is not there: python -m bench.install")
        self.ports = {"smtp": free_ports(1)[0]}
        self.users = [f"user{number}@bench.example" for number in range(USERS)]
        where = (str(self.ports["smtp"]), str(self.folder / "mail"))
        return [sys.executable, "-m", "bench.peers.maildirs", *where]
