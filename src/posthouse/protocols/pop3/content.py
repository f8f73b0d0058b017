"""A message on its way out, in blocks that are cut anywhere (RFC 1939 §3, §7)."""

from __future__ import annotations

from collections.abc import Callable

from ..dialogue import Dialogue, Failed, ask, send, show
from .events import Block, Gone, NeedsUtf8, NextBlock, Retrieval, Retrieve, Retrieved
from .reply import END, Refused, ok
from .session import Session

CRLF = b"\r\n"


class Stuffing:
    """Doubles the dot that begins a line, and ends the last line if it has no end (§3)."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before = CRLF  # the last two octets

    def stuff(self, octets: bytes) -> bytes:
        before = self._before
        joined = before + octets
        self._before = joined[-2:]
        return joined.replace(b"\r\n.", b"\r\n..")[len(before) :]

    def end(self) -> bytes:
        return END if self._before == CRLF else CRLF + END


class Top:
    """Cuts a message after its header section, the empty line, and so many lines more (§7)."""

    __slots__ = ("_before", "_in_header", "_lines", "ended")

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._before = CRLF  # octets that may be the beginning of a line's or the header's end
        self._in_header = True
        self.ended = False

    def cut(self, octets: bytes) -> bytes:
        """What of these octets belongs to the top."""
        start = len(self._before)
        joined = self._before + octets
        body = 0
        if self._in_header:
            found = joined.find(b"\r\n\r\n")
            self._before = joined[-3:]
            if found < 0:
                return octets
            self._in_header = False
            body = found + 4
        end = self._body(joined, body)
        return joined[start:end]

    def _body(self, joined: bytes, begin: int) -> int:
        """Where the lines that are wanted end."""
        count = joined.count(CRLF, begin)
        if count < self._lines:
            self._lines -= count
            self._before = b"\r" if joined.endswith(b"\r") else b""
            return len(joined)
        self.ended = True
        rest = joined[begin:].split(CRLF, self._lines)[self._lines]
        return len(joined) - len(rest)


def whole(octets: bytes) -> bytes:
    return octets


def send_message(session: Session, number: int, top: Top | None = None) -> Dialogue[None]:
    """The message, or its top, as a multi-line response."""
    retrieval = yield from ask(Retrieve(number), Retrieval)
    if isinstance(retrieval, Gone):
        raise Refused("message {number} is no longer there", number=number)
    if isinstance(retrieval, NeedsUtf8):  # RFC 6856 §5
        raise Refused("message {number} is for programs that use UTF8", "UTF8", number=number)
    assert isinstance(retrieval, Block)
    cut: Callable[[bytes], bytes] = top.cut if top else whole
    if top:
        yield from ok(session, "top of message follows")
    else:
        yield from ok(session, "{octets} octets", octets=session.maildrop.sizes[number - 1])
    stuffing = Stuffing()
    block = retrieval
    while True:
        yield from send(stuffing.stuff(cut(block.octets)))
        if block.last or (top and top.ended):
            break
        try:
            block = yield from ask(NextBlock(), Block)
        except Failed:  # nothing can be said within a message: it must not seem complete
            session.over = True
            return
    yield from send(stuffing.end())
    if top is None and session.policy.expire is not None:
        session.retrieved.add(number)
        yield from show(Retrieved(number))
