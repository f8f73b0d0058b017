"""A scripted mail host on a loopback address: says what its script says, remembers what it got.

    Peer("127.0.3.1", port, "RCPT 450 4.2.0 come back later; 250 ok")

A script's lines are a command and its replies, the last of which is repeated; what no line names
is answered as a host does that takes everything. `greeting` is what is said first, `.` the end of
the message. `offers` and `without` change the keywords of EHLO. `slow` is seconds before each
reply. In place of a reply: `silence`, `close`, `reset` (RST); `250 ok, close` says a last word.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

OK = "250 2.0.0 ok"
REPLIES = {
    "greeting": "220 {name} ESMTP",
    "HELO": "250 {name}",
    "MAIL": OK,
    "RCPT": OK,
    "DATA": "354 go on",
    "out of turn": "503 5.5.1 not yet",
    ".": OK,
    "RSET": OK,
    "NOOP": OK,
    "AUTH": "235 2.7.0 welcome",
    "QUIT": "221 2.0.0 bye",
    "STARTTLS": "220 2.0.0 go on",
}


@dataclass(slots=True)
class Taken:
    """A message that was answered 250."""

    sender: str
    recipients: list[str]
    content: bytes


@dataclass(slots=True)
class Heard:
    """What one connection said."""

    lines: list[str] = field(default_factory=list)
    tls: bool = False
    since: float = field(default_factory=time.monotonic)


class Peer:
    """Listens from its making to `close`, in a thread of its own."""

    def __init__(
        self,
        address: str,
        port: int,
        script: str = "",
        *,
        name: str = "peer.example",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address = address
        self.name = name
        self.letters: list[Taken] = []
        self.connections: list[Heard] = []
        self._offers = ["PIPELINING", "8BITMIME", "SIZE 10000000", "ENHANCEDSTATUSCODES"]
        self._replies: dict[str, deque[str]] = {}
        self._slow = 0.0
        self._tls = tls
        if tls is not None:
            self._offers.append("STARTTLS")
        for line in filter(None, map(str.strip, script.splitlines())):
            self._take(line)
        self._socket = socket.create_server((address, port), reuse_port=False)
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name=f"peer {address}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        if command == "offers":
            self._offers += rest.split(", ")
        elif command == "without":
            self._offers = [one for one in self._offers if one.split()[0] not in rest.split()]
        elif command == "slow":
            self._slow = float(rest)
        else:
            self._replies[command] = deque(map(str.strip, rest.split(";")))

    @property
    def heard(self) -> list[str]:
        """All lines of all connections."""
        return [line for connection in self.connections for line in connection.lines]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.run_forever()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._socket, limit=2**20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if self._loop.is_closed() else writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = Heard()
        self.connections.append(heard)
        if not await self._reply("greeting", writer):
            return
        taking = Taken("", [], b"")
        while line := (await reader.readline()).decode("latin-1").rstrip("\r\n"):
            heard.lines.append(line)
            verb = line.partition(" ")[0].upper()
            if verb in ("EHLO", "LHLO") and verb not in self._replies:
                self._offer(writer, heard.tls)
                continue
            out_of_turn = (verb == "DATA" and not taking.recipients) or (
                verb == "RCPT" and not taking.sender
            )
            said = await self._reply("out of turn" if out_of_turn else verb, writer)
            if verb == "MAIL":
                taking = Taken(line if said.startswith("250") else "", [], b"")
            if verb == "RCPT" and said.startswith("250"):
                taking.recipients.append(line[line.index("<") + 1 : line.index(">")])
            if verb == "STARTTLS" and self._tls is not None:
                await writer.start_tls(self._tls)
                heard.tls = True
            if said.startswith("354"):
                taking.content = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                said = await self._reply(".", writer)
                if said.startswith("250"):
                    self.letters.append(taking)
            if not said or verb == "QUIT":
                return

    def _offer(self, writer: asyncio.StreamWriter, encrypted: bool) -> None:
        offers = [self.name, *self._offers]
        if encrypted:
            offers.remove("STARTTLS")
        lines = [f"250-{one}" for one in offers[:-1]] + [f"250 {offers[-1]}"]
        writer.write("".join(f"{one}\r\n" for one in lines).encode())

    async def _reply(self, command: str, writer: asyncio.StreamWriter) -> str:
        """Say what the script says; empty if the connection is to be closed."""
        replies = self._replies.get(command)
        said = REPLIES.get(command, "500 5.5.1 what?") if not replies else replies[0]
        if replies and len(replies) > 1:
            replies.popleft()
        if self._slow:
            await asyncio.sleep(self._slow)
        if said == "silence":
            await asyncio.Event().wait()
        if said == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return ""
        if said == "close":
            return ""
        word, _, _ = said.partition(", close")
        writer.write(f"{word.format(name=self.name)}\r\n".encode())
        await writer.drain()
        return "" if said.endswith(", close") else word
