"""The IMAP client of the loads: one connection with a blocking socket.

Answers are not parsed while the clock runs: a command ends when the last line of what has come
begins with its tag (the letters hold no such line).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence

BATCH = 100  # letters in one APPEND, where the server has MULTIAPPEND
BATCH_OCTETS = 4_000_000
BLOCK = 1 << 20
LINE = 8192  # octets of the last line, at most
PATIENCE = 120.0  # seconds for what comes next

Letters = Callable[[int], bytes]


class Client:
    """One connection, logged in."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._block = memoryview(bytearray(BLOCK))
        self._tag = 0
        while not self._socket.recv(BLOCK).endswith(b"\n"):
            continue
        self.command(f'LOGIN "{user}" "{password}"'.encode())
        self.capability = b""

    def send(self, *commands: bytes) -> bytes:
        """Send commands, all at once; the tag of the last."""
        sent = b""
        for command in commands:
            self._tag += 1
            sent += b"t%d %b\r\n" % (self._tag, command)
        self._socket.sendall(sent)
        return b"t%d" % self._tag

    def command(self, command: bytes) -> bytes:
        """Send a command; its whole answer."""
        return self.answer(self.send(command))

    def answer(self, tag: bytes) -> bytes:
        parts: list[bytes] = []
        self._receive(tag, parts)
        return b"".join(parts)

    def skip(self, tag: bytes) -> int:
        """Receive an answer without keeping it; its octets."""
        return self._receive(tag, None)

    def _receive(self, tag: bytes, parts: list[bytes] | None) -> int:
        tail = b""
        octets = 0
        while True:
            count = self._socket.recv_into(self._block)
            if not count:
                raise SystemExit(f"closed by the server after {tail!r}")
            octets += count
            if parts is not None:
                parts.append(bytes(self._block[:count]))
            tail = (tail + bytes(self._block[max(0, count - LINE) : count]))[-LINE:]
            if tail.endswith(b"\r\n"):
                last = tail[tail.rfind(b"\r\n", 0, -2) + 1 :].lstrip()
                if last.startswith(tag + b" "):
                    break
        if not last.startswith(tag + b" OK"):
            raise SystemExit(f"command failed: {last!r}")
        return octets

    def append(self, mailbox: bytes, letters: Letters, start: int, end: int) -> None:
        """Append the letters from `start` to below `end`, many in a command where that is known."""
        self.capability = self.capability or self.command(b"CAPABILITY").upper()
        most = BATCH if b"MULTIAPPEND" in self.capability else 1
        command, number = [b"APPEND " + mailbox], 0
        octets = 0
        for at in range(start, end):
            content = letters(at)
            command.append(b" {%d+}\r\n%b" % (len(content), content))
            number += 1
            octets += len(content)
            if number == most or octets > BATCH_OCTETS or at == end - 1:
                self.command(b"".join(command))
                command, number, octets = [b"APPEND " + mailbox], 0, 0

    def uids(self, mailbox: bytes) -> Sequence[int]:
        """Select a mailbox; the UIDs of its messages."""
        self.command(b"SELECT " + mailbox)
        found = re.search(rb"^\* SEARCH([ \d]*)", self.command(b"UID SEARCH ALL"), re.MULTILINE)
        return sorted(map(int, found[1].split())) if found else []

    def make(self, mailbox: bytes) -> None:
        self.command(b"CREATE " + mailbox)

    def remove(self, *mailboxes: bytes) -> None:
        """Delete mailboxes; none of them may be selected any more."""
        self.command(b"SELECT INBOX")
        for mailbox in mailboxes:
            self.command(b"DELETE " + mailbox)

    def close(self) -> None:
        self.command(b"LOGOUT")
        self._socket.close()
