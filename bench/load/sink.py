"""Takes letters over SMTP and throws them away: where the relay row's letters go.

`python -m bench.load.sink PORT`; a line with a number on its input is answered with a line when so
many letters have come since its start.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import cast

GREETING = b"220 sink.example ESMTP\r\n"
OFFERS = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n"
END = b"\r\n.\r\n"


class Sink:
    """What all connections have in common."""

    def __init__(self) -> None:
        self.letters = 0
        self.wanted = 0

    def took(self) -> None:
        self.letters += 1
        if self.letters == self.wanted:
            self.tell()

    def want(self, line: str) -> None:
        self.wanted = int(line)
        if self.letters >= self.wanted:
            self.tell()

    def tell(self) -> None:
        print(self.letters, flush=True)


class Connection(asyncio.Protocol):
    """Answers whole chunks at once: a client that pipelines costs one turn."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._input = b""
        self._taking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        self._input += data
        replies = b""
        while True:
            end = self._input.find(END if self._taking else b"\r\n")
            if end < 0:
                break
            line = self._input[:end]
            self._input = self._input[end + (5 if self._taking else 2) :]
            replies += self._answer(line)
        if replies:
            self._transport.write(replies)

    def _answer(self, line: bytes) -> bytes:
        if self._taking:
            self._taking = False
            self._sink.took()
            return b"250 2.0.0 taken\r\n"
        verb = line[:4].upper()
        if verb == b"DATA":
            self._taking = True
            return b"354 go on\r\n"
        if verb == b"QUIT":
            self._transport.write(b"221 2.0.0 bye\r\n")
            self._transport.close()
            return b""
        return OFFERS if verb == b"EHLO" else b"250 2.0.0 ok\r\n"


async def serve(port: int) -> None:
    sink = Sink()
    loop = asyncio.get_running_loop()
    bound = socket.create_server(("127.0.0.1", port), backlog=1024)
    server = await loop.create_server(lambda: Connection(sink), sock=bound)
    async with server:
        while line := await asyncio.to_thread(sys.stdin.readline):
            sink.want(line)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
