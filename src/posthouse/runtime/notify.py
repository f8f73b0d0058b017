"""News between the processes of one data directory: "account 7 is at 1234".

Each process that listens has a Unix datagram socket in DATA/run. Sending never waits; what a slow
receiver has no room for (Linux queues ten datagrams) is kept, the latest of each kind, and sent a
little later. News may still be lost: it only says that the database has something new, and a slow
poll stands behind it. The socket of a process that has gone is removed by whoever meets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

DATAGRAM = 32 * 1024  # octets
UNSENT = 10_000  # news kept for one slow receiver
LATER = 0.02  # seconds until they are tried again
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
        self._unsent: dict[str, dict[tuple[str, int], int]] = {}  # by peer
        self._waiting = False
        self._closed = False
        self.own = ""  # the name that is not told
        #: How to do something later; without it, what was not sent goes with the next news.
        self.later: Callable[[float, Callable[[], None]], object] | None = None

    def send(self, news: Iterable[News]) -> None:
        """Tell every other process."""
        latest = {(topic, key): value for topic, key, value in news}
        for peer in self._listening():
            self._tell(peer, self._unsent.pop(peer, {}) | latest)

    def _tell(self, peer: str, latest: dict[tuple[str, int], int]) -> None:
        items = list(latest.items())
        while items:
            lines, count = _pack(items)
            if not self._send(lines, peer):
                break
            del items[:count]
        if items and len(items) <= UNSENT:
            self._unsent[peer] = dict(items)
            if self.later is not None and not self._waiting:
                self._waiting = True
                self.later(LATER, self._try_again)

    def _try_again(self) -> None:
        self._waiting = False
        if self._closed:
            return
        unsent, self._unsent = self._unsent, {}
        for peer in self._listening():
            if peer in unsent:
                self._tell(peer, unsent[peer])

    def living(self) -> list[int]:
        """The pids of the other processes that listen."""
        names = [name for name in self._listening() if self._lives(name)]
        return [int(pid) for pid in (name.removesuffix(SUFFIX) for name in names) if pid.isdigit()]

    def _lives(self, peer: str) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as trial:
            try:
                trial.connect(str(self.path(peer)))
            except OSError:
                return False
        return True

    def path(self, name: str) -> Path:
        """A socket, by a path that is short wherever the data directory is."""
        return self._here / name

    def close(self) -> None:
        self._closed = True
        self._socket.close()
        os.close(self._descriptor)

    def _listening(self) -> list[str]:
        """The names of the other sockets, listed again when the directory has changed."""
        with contextlib.suppress(OSError):  # no descriptors left: those known so far are told
            changed = os.fstat(self._descriptor).st_mtime
            if changed != self._seen:
                self._peers = [path.name for path in self._here.iterdir() if path.suffix == SUFFIX]
                # Two changes within a tick of the clock bear one time: a young list is not kept.
                self._seen = changed if time.time() - changed > 1 else -1.0
        return [name for name in self._peers if name != self.own]

    def _send(self, datagram: bytes, peer: str) -> bool:
        """False: there is no room for it now."""
        try:
            self._socket.sendto(datagram, str(self.path(peer)))
        except BlockingIOError:
            return False
        except ConnectionRefusedError:  # nobody has this socket any more
            self._seen = -1.0
            with contextlib.suppress(OSError):
                self.path(peer).unlink()
        except OSError:  # it has just gone
            self._seen = -1.0
        return True


class Receiver:
    """A process's own socket, read by its loop."""

    def __init__(self, sender: Sender, hear: Callable[[str, int, int], None]) -> None:
        self._sender = sender
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        sender.later = self._loop.call_later
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


def _pack(items: Sequence[tuple[tuple[str, int], int]]) -> tuple[bytes, int]:
    """As many lines as a datagram holds, and how many they are."""
    lines: list[bytes] = []
    size = 0
    for (topic, key), value in items:
        line = f"{topic} {key} {value}".encode()
        size += len(line) + 1
        if lines and size > DATAGRAM:
            break
        lines.append(line)
    return b"\n".join(lines), len(lines)
