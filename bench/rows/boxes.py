"""The mailboxes that are asked for, filled and indexed when a row first needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.ours import Posthouse
from bench.peers import PASSWORD
from bench.peers.readers import DOMAIN, READER
from bench.rows.base import Load, Subject


@dataclass(frozen=True, slots=True)
class Box:
    """The INBOX of one reader."""

    user: str
    letters: int
    mix: bool = False
    of: str = ""  # what a message is one of, for the text of a row

    def orders(self, subject: Subject, action: str, **more: Any) -> dict[str, Any]:
        """What a load program is told."""
        return {
            "action": action,
            "port": subject.peer.ports["imap"],
            "users": [self.user],
            "password": PASSWORD,
            "letters": self.letters,
            **more,
        }

    def fill(self, subject: Subject) -> None:
        """See that the letters are there."""
        if self.user in subject.boxes:
            return
        more = {"mix": self.mix, "connections": subject.peer.fillers}
        load = Load("imap", self.orders(subject, "fill", **more))
        load.run()
        load.end()
        subject.boxes[self.user] = False

    def index(self, subject: Subject) -> None:
        """See that they are in our search index; it takes all mailboxes at once."""
        self.fill(subject)
        if isinstance(subject.peer, Posthouse) and not subject.boxes[self.user]:
            subject.peer.server.run("search", "rebuild")
            subject.boxes = dict.fromkeys(subject.boxes, True)


THOUSAND = Box(f"thousand@{DOMAIN}", 1_000, of="1,000 of 4 kB")
TEN = Box(READER, 10_000, of="10,000 of 4 kB")
HUNDRED = Box(f"many@{DOMAIN}", 100_000, of="100,000 of 4 kB")
MIX = Box(f"mix@{DOMAIN}", 1_000, mix=True, of="1,000 of the realistic mix")
