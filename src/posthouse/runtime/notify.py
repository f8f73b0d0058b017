"""News between the processes of one data directory: "account 7 is at 1234".

Each process that listens has a Unix datagram socket in DATA/run. Sending never waits, and news
may be lost when a receiver is slow: it only says that the database has something new, and a slow
poll stands behind it. The socket of a process that has gone is removed by whoever meets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path

DATAGRAM = 4096  # octets
BURST = 64  # datagrams taken at once, before others have their turn
SUFFIX = ".news"

_LINE = re.compile(rb"([a-z_]{1,32}) (\d{1,19}) (\d{1,19})")

News = tuple[str, int, int]  # topic, key, value


class Sender:
    """Tells the other processes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "run"
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A socket's path has 107 octets at most: it is reached by way of the open directory.
        self._descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._here = Path(f"/proc/self/fd/{self._descriptor}")
        self._seen = -1.0
        self._peers: list[str] = []
        self.own = ""  # the name that is not told

    def send(self, news: Iterable[News]) -> None:
        """Tell every other process, or lose it."""
        peers = self._listening()
        if not peers:
            return
        for datagram in _pack(news):
            for peer in peers:
                self._send(datagram, peer)

    def path(self, name: str) -> Path:
        """A socket, by a path that is short wherever the data directory is."""
        return self._here / name

    def close(self) -> None:
        self._socket.close()
        os.close(self._descriptor)

    def _listening(self) -> list[str]:
        """The names of the other sockets, listed again when the directory has changed."""
        changed = self._here.stat().st_mtime
        if changed != self._seen:
            # Two changes within a tick of the clock bear one time: a young list is not kept.
            self._seen = changed if time.time() - changed > 1 else -1.0
            self._peers = [path.name for path in self._here.iterdir() if path.suffix == SUFFIX]
        return [name for name in self._peers if name != self.own]

    def _send(self, datagram: bytes, peer: str) -> None:
        try:
            self._socket.sendto(datagram, str(self.path(peer)))
        except ConnectionRefusedError:  # nobody has this socket any more
            self._seen = -1.0
            with contextlib.suppress(OSError):
                self.path(peer).unlink()
        except FileNotFoundError:
            self._seen = -1.0
        except OSError:  # its buffer is full
            return


class Receiver:
    """A process's own socket, read by its loop."""

    def __init__(self, sender: Sender, hear: Callable[[str, int, int], None]) -> None:
        self._sender = sender
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        sender.own = f"{os.getpid()}{SUFFIX}"
        self._path = sender.path(sender.own)
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._path))
        self._loop.add_reader(self._socket.fileno(), self._receive)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _receive(self) -> None:
        latest: dict[tuple[str, int], int] = {}
        for _ in range(BURST):
            try:
                datagram = self._socket.recv(DATAGRAM)
            except OSError:
                break
            for line in datagram.split(b"\n"):
                match = _LINE.fullmatch(line)
                if match is not None:
                    latest[match[1].decode(), int(match[2])] = int(match[3])
        for (topic, key), value in latest.items():
            self._hear(topic, key, value)


def _pack(news: Iterable[News]) -> list[bytes]:
    """Lines, as many as a datagram holds."""
    datagrams: list[bytes] = []
    size = DATAGRAM
    lines: list[bytes] = []
    for topic, key, value in news:
        line = f"{topic} {key} {value}".encode()
        if lines and size + len(line) + 1 > DATAGRAM:
            datagrams.append(b"\n".join(lines))
            lines = []
        size = len(line) if not lines else size + len(line) + 1
        lines.append(line)
    if lines:
        datagrams.append(b"\n".join(lines))
    return datagrams
