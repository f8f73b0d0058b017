"""An IMAP client that hides nothing: every line is kept, as it came (RFC 3501 §2.2)."""

from __future__ import annotations

import io
import re
import socket
import zlib
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PATIENCE = 20.0  # seconds for anything that the server says
REMEMBERED = 60  # lines of the wire, shown after a failure

Value = None | str | bytes | list["Value"]  # NIL, an atom, a string, a parenthesised list

_LITERAL = re.compile(rb"\{(\d+)\}\Z")
_TOKEN = re.compile(
    rb'[ ]*(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    rb"|(?P<atom>(?:[^\s()\"\[]|\[[^\]]*\])+))"
)
_order = count()


class Gone(Exception):
    """The server closed the connection, or said nothing in time."""


@dataclass(frozen=True, slots=True)
class Line:
    """A response: text, and the literals that stood in it (text, literal, text...)."""

    pieces: tuple[bytes, ...]

    @property
    def text(self) -> str:
        return self.pieces[0].decode("utf-8", "replace")

    def values(self, skipped: int) -> list[Value]:
        """What follows the first `skipped` words."""
        first = self.pieces[0].split(b" ", skipped)[skipped]
        return parse((first, *self.pieces[1:]))


@dataclass(slots=True)
class Answer:
    """All that came for one command."""

    command: str  # its name, UID included
    lines: list[Line] = field(default_factory=list)
    status: str = ""  # empty: the connection went before the tagged response
    text: str = ""

    @property
    def ok(self) -> bool:
        return self.status == "OK"

    def code(self, name: str) -> list[str] | None:
        """The arguments of the response code of the tagged line."""
        found = re.match(rf"\[{name}(?: ([^\]]*))?\]", self.text)
        return (found[1] or "").split() if found else None


class _Inflated(io.RawIOBase):
    """What is read of a compressed stream."""

    def __init__(self, packed: io.BufferedReader) -> None:
        self._packed = packed
        self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._waiting:
            octets = self._packed.read1()
            if not octets:
                return 0
            self._waiting = self._unpacker.decompress(octets)
        room = memoryview(buffer).cast("B")
        count = min(len(room), len(self._waiting))
        room[:count], self._waiting = self._waiting[:count], self._waiting[count:]
        return count


class Wire:
    """One connection."""

    def __init__(self, name: str, address: tuple[str, int]) -> None:
        self.name = name
        self.history: deque[tuple[int, str]] = deque(maxlen=REMEMBERED)
        self._socket = socket.create_connection(address, PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file: io.BufferedReader = self._socket.makefile("rb")
        self._packer: zlib._Compress | None = None
        self._tags = count(1)
        self._expected: deque[tuple[str, Answer]] = deque()
        self.greeting = self.read()

    @property
    def port(self) -> int:
        """Our end's."""
        port: int = self._socket.getsockname()[1]
        return port

    def send(self, *command: str | bytes) -> None:
        """Begin a command: text, and literals, which go without waiting (RFC 7888)."""
        tag = f"{self.name}{next(self._tags)}"
        words = str(command[0]).split()
        self._expected.append((tag, Answer(" ".join(words[: 2 if words[0] == "UID" else 1]))))
        octets = tag.encode()
        for piece in command:
            if isinstance(piece, bytes):
                octets += b" {%d+}\r\n" % len(piece) + piece
            elif piece == ")":
                octets += b")"
            elif piece:
                octets += f" {piece}".encode()
        self.write(octets + b"\r\n")

    def deflate(self) -> None:
        """From here on all is compressed (RFC 4978)."""
        self._packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        self._file = io.BufferedReader(_Inflated(self._file))

    def write(self, octets: bytes) -> None:
        self._note("C", octets)
        if self._packer is not None:
            octets = self._packer.compress(octets) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        try:
            self._socket.sendall(octets)
        except OSError as error:
            raise Gone(str(error)) from error

    def answer(self) -> Answer:
        """The end of the oldest command that was begun, and what came before it."""
        tag, answer = self._expected.popleft()
        start = f"{tag} ".encode()
        try:
            while True:
                line = self.read()
                if line.pieces[0].startswith(start):
                    _, answer.status, answer.text = line.text.split(" ", 2)
                    return answer
                assert line.pieces[0].startswith(b"* "), f"{self.name}: {line.text!r}"
                answer.lines.append(line)
        except Gone:
            self.close()
            return answer

    def read(self) -> Line:
        """One response with its literals."""
        pieces = []
        try:
            while True:
                line = self._file.readline()
                if not line.endswith(b"\n"):
                    raise Gone("closed")
                assert line.endswith(b"\r\n"), f"{self.name}: a line without CRLF: {line!r}"
                text = line[:-2]
                self._note("S", text)
                pieces.append(text)
                literal = _LITERAL.search(text)
                if literal is None:
                    return Line(tuple(pieces))
                size = int(literal[1])
                octets = self._file.read(size)
                if len(octets) < size:
                    raise Gone("closed within a literal")
                pieces.append(octets)
        except (OSError, ValueError) as error:  # ValueError: it is closed at our end already
            raise Gone(str(error)) from error

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _note(self, who: str, octets: bytes) -> None:
        text = octets[:300].decode("utf-8", "backslashreplace").replace("\r\n", "␍␊")
        self.history.append((next(_order), f"{self.name} {who}: {text}"))


def parse(pieces: tuple[bytes, ...]) -> list[Value]:
    """Atoms, strings and lists of a response."""
    stack: list[list[Value]] = [[]]
    for at, piece in enumerate(pieces):
        if at % 2:
            stack[-1].append(piece)
            continue
        text = (_LITERAL.sub(b"", piece) if at + 1 < len(pieces) else piece).rstrip()
        end = 0
        while end < len(text):
            found = _TOKEN.match(text, end)
            assert found, f"cannot be read: {text[end:]!r}"
            end = found.end()
            if found["open"]:
                inner: list[Value] = []
                stack[-1].append(inner)
                stack.append(inner)
            elif found["close"]:
                stack.pop()
                assert stack, f"a parenthesis too much: {text!r}"
            elif found["quoted"] is not None:
                stack[-1].append(re.sub(rb"\\(.)", rb"\1", found["quoted"]))
            else:
                atom = found["atom"].decode()
                stack[-1].append(None if atom == "NIL" else atom)
    assert len(stack) == 1, f"a parenthesis is not closed: {pieces!r}"
    return stack[0]
