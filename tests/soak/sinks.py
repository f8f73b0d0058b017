"""Other sites of a run: what they take is counted and let go."""

from __future__ import annotations

import asyncio
import random

from tests.faults.letters import number_of
from tests.system.peer import Heard, Peer, Taken

from .ledger import Ledger

LATER = "450 4.2.0 come back later"


class Taking(list[Taken]):
    """Counts letters, and keeps none."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def append(self, taken: Taken) -> None:
        header, _, body = taken.content.partition(b"\r\n\r\n")
        number = number_of(header[header.index(b"Message-ID: <") :] + b"\r\n")
        self._ledger.take(number, taken.recipients, body)


class Hearing(list[Heard]):
    """Connections, of which none is kept."""

    def append(self, heard: Heard) -> None:
        heard.lines = Deaf()


class Deaf(list[str]):
    """Lines that nobody asks for."""

    def append(self, _line: str) -> None:
        return


class Sink(Peer):
    """Takes letters; some recipients and some messages only at a later try."""

    def __init__(
        self,
        address: str,
        port: int,
        script: str = "",
        *,
        name: str,
        ledger: Ledger,
        reluctant: float = 0.0,
    ) -> None:
        self._reluctant = reluctant
        self._chance = random.Random(name)
        super().__init__(address, port, script, name=name)
        self.letters = Taking(ledger)
        self.connections = Hearing()

    async def _reply(self, command: str, writer: asyncio.StreamWriter) -> str:
        if command in ("RCPT", ".") and self._chance.random() < self._reluctant:
            writer.write(f"{LATER}\r\n".encode())
            await writer.drain()
            return LATER
        return await super()._reply(command, writer)
