"""Runs a dialogue for whoever has the connection; the one engine of all protocols.

    octets  --receive-->  dialogue  --next_event-->  agent
    octets  <---send----  dialogue  <----answer----  agent
                             ^------notify---------  agent

Input is read only when the dialogue wants some, so pipelining needs no code anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from .deflate import Bomb, Deflated
from .dialogue import (
    TLS,
    Allow,
    Ask,
    Dialogue,
    Failed,
    Interrupted,
    Lines,
    LineTooLong,
    ReadLine,
    ReadLineOrNotice,
    ReadLines,
    ReadOctets,
    Reason,
    Rest,
    Send,
    Show,
    StartCompress,
    StartTLS,
    Step,
    TakeNotices,
)

HIGH_WATER = 64 * 1024  # octets waiting to be sent before the dialogue is held up
FLOOD = 1024 * 1024  # octets of one over-long line that are skipped before the peer is dropped
STRETCH = 1024  # octets that a pattern goes through from where what it begins with is
NOTICES = 16  # one after the other, while lines of the peer wait

_ASKING = frozenset({Ask, StartTLS})
_READING = frozenset({ReadLine, ReadLineOrNotice, ReadLines, ReadOctets})


class Flush:
    """Write what `send` gives, and wait until the peer takes it, before the next event."""


FLUSH = Flush()


class Engine:
    """One connection. Octets go in and out; events go to the agent, answers come back.

    Whoever drives it repeats: `next_event()`; write `send()`; on None, `receive()` more octets;
    on an event, act, and when `asked` is true, `answer()` or `fail()`.
    """

    __slots__ = (
        "_deflated",
        "_dialogue",
        "_end",
        "_finishing",
        "_input",
        "_midline",
        "_noticed",
        "_notices",
        "_output",
        "_plain",
        "_scanned",
        "_shown",
        "_skipped",
        "_waiting",
        "allowance",
        "allowances",
        "asked",
        "step",
    )

    def __init__(self, dialogue: Dialogue[None], notices: dict[object, None] | None = None) -> None:
        """In `notices` the dialogue may see whether there are some to be taken."""
        self._dialogue = dialogue
        self._input = bytearray()
        self._scanned = 0  # octets of input known to hold no CRLF
        self._skipped = 0  # octets of an over-long line already dropped
        self._midline = False  # ReadLines gave a part of an over-long line
        self._output: list[bytes] = []
        self._waiting = 0  # octets in output
        self._notices: dict[object, None] = {} if notices is None else notices
        self._noticed = 0  # notices given since the peer had its turn before them
        self._deflated: Deflated | None = None
        self._plain = b""  # output from before it is compressed
        self._finishing = False
        self._end = Reason.SHUTDOWN  # why it is finishing
        self._shown = False  # the step is a Show, whose event was given
        #: What the dialogue waits for, None once it is over; a new object for each wait.
        self.step: Step | None = None
        #: The event that `next_event` returned last wants an answer.
        self.asked = False
        self.allowance: float | None = None  # seconds, see Allow
        self.allowances = 0  # how often it was set
        self._resume(None)

    # What the driver may know

    @property
    def over(self) -> bool:
        """The dialogue has ended: send what is left and close."""
        return self.step is None

    @property
    def within(self) -> float | None:
        """Seconds that the peer has for the step; None while the peer is not waited for."""
        step = self.step
        return step.within if type(step) in _READING else None  # type: ignore[union-attr]

    @property
    def buffered(self) -> int:
        """Octets received and not read yet."""
        return len(self._input) + (self._deflated.waiting if self._deflated else 0)

    # Octets

    def receive(self, octets: bytes) -> None:
        """Take what the peer has sent."""
        if self.step is None or isinstance(self.step, StartTLS):
            return  # nobody will read it; or it came in the clear
        if self._deflated is not None:
            self._deflated.take(octets)
            return
        self._input += octets

    def send(self) -> bytes:
        """Give what is to be sent to the peer."""
        output = self._output
        if not output:
            return b""
        octets = output[0] if len(output) == 1 else b"".join(output)
        output.clear()
        self._waiting = 0
        return octets if self._deflated is None else self._packed(octets)

    # Events

    def next_event(self) -> object | None:
        """What the agent must see next; None when the peer must send more first, or at the end."""
        while True:
            step = self.step
            kind = type(step)
            if kind is Send:
                octets = step.octets  # type: ignore[union-attr]
                self._output.append(octets)
                self._waiting += len(octets)
                self._resume(None)
                if self._waiting > HIGH_WATER:
                    self.asked = False
                    return FLUSH
            elif kind is Ask:
                self.asked = True
                return step.question  # type: ignore[union-attr]
            elif kind is Show:
                # It goes on with the next call: until then `asked` speaks of this event.
                self._shown = not self._shown
                self.asked = False
                if self._shown:
                    return step.event  # type: ignore[union-attr]
                self._resume(None)
            elif step is None:
                return None
            elif kind is Rest:
                self._resume(None)
                self.asked = False
                return FLUSH
            elif kind is StartTLS:
                self._input.clear()
                self._scanned = 0
                self.asked = True
                return step
            elif not self._takes[kind](self, step) and not self._unpack():
                return None

    def answer(self, value: object) -> None:
        """Answer the question that `next_event` returned."""
        kind = type(self.step)
        if kind is StartTLS:
            assert isinstance(value, TLS)
        else:
            assert kind is Ask, "nothing was asked"
        self._resume(value)

    def fail(self, failure: Failed) -> None:
        """Say that the question cannot be answered."""
        assert type(self.step) in _ASKING, "nothing was asked"
        self._throw(failure)

    def notify(self, notice: object) -> None:
        """Leave a notice (hashable) that the dialogue takes when the protocol lets it.

        SHUT_OUT ends it: wherever it waits for the peer now, or as soon as it waits for a command.
        """
        if notice is Reason.SHUT_OUT:
            self._end = Reason.SHUT_OUT
            self.finish()
            self.interrupt(Reason.SHUT_OUT)
        elif self.step is not None:
            self._notices[notice] = None

    def interrupt(self, reason: Reason) -> None:
        """End the dialogue for this reason, if it waits for the peer."""
        if self.within is not None:
            self._throw(Interrupted(reason))

    def finish(self) -> None:
        """End the dialogue with its next wait between two commands."""
        self._finishing = True

    def close(self) -> None:
        """The peer has gone: end the dialogue where it stands."""
        self.step = None
        self._input.clear()
        self._notices.clear()
        self._dialogue.close()

    # Steps

    def _resume(self, value: object) -> None:
        try:
            self.step = self._dialogue.send(value)
        except (StopIteration, LineTooLong, Interrupted, Failed):
            self.step = None
            self._input.clear()

    def _throw(self, error: Exception) -> None:
        try:
            self.step = self._dialogue.throw(error)
        except (StopIteration, LineTooLong, Interrupted, Failed):
            self.step = None
            self._input.clear()

    # Each makes a step, if it can be made by now.

    def _take_line(self, step: ReadLine) -> bool:
        if self._finishing and step.command:
            self._throw(Interrupted(self._end))
            return True
        return self._read_line(step.limit)

    def _take_whole_lines(self, step: ReadLines) -> bool:
        lines = self._take_lines(step.last, step.limit)
        if lines is None:
            return False
        self._resume(lines)
        return True

    def _take_octets(self, step: ReadOctets) -> bool:
        if not self._input:
            return False
        self._resume(self._take(step.most))
        return True

    def _take_notices(self, _: TakeNotices) -> bool:
        notices = tuple(self._notices)
        self._notices.clear()
        self._resume(notices)
        return True

    def _take_compressed(self, _: StartCompress) -> bool:
        self._compress()
        self._resume(None)
        return True

    def _take_time(self, step: Allow) -> bool:
        self.allowance = step.seconds
        self.allowances += 1
        self._resume(None)
        return True

    def _take_line_or_notice(self, step: ReadLineOrNotice) -> bool:
        """A notice first; but after a few of them the peer has its turn, however many come."""
        if self._finishing:
            self._throw(Interrupted(self._end))
            return True
        if self._noticed >= NOTICES and self.buffered:
            self._noticed = 0
            if self._read_line(step.limit) or self._unpack():
                return True
        if self._notices:
            self._noticed += 1
            notice = next(iter(self._notices))
            del self._notices[notice]
            self._resume(notice)
            return True
        return self._read_line(step.limit)

    _takes: ClassVar[Mapping[type, Callable[[Engine, Any], bool]]] = {
        ReadLine: _take_line,
        ReadLineOrNotice: _take_line_or_notice,
        ReadLines: _take_whole_lines,
        ReadOctets: _take_octets,
        TakeNotices: _take_notices,
        StartCompress: _take_compressed,
        Allow: _take_time,
    }

    # Compression

    def _compress(self) -> None:
        """What was sent before is not compressed; what has come already should be."""
        self._deflated = Deflated()
        self._plain, self._output = b"".join(self._output), [b""]
        self._deflated.take(self._take(len(self._input)))

    def _packed(self, octets: bytes) -> bytes:
        assert self._deflated is not None
        plain, self._plain = self._plain, b""
        return plain + self._deflated.pack(octets) if octets else plain

    def _unpack(self) -> bool:
        """More input out of what has come compressed."""
        if self._deflated is None:
            return False
        try:
            octets = self._deflated.unpack()
        except Bomb:
            self._throw(Interrupted(Reason.FLOOD))
            return True
        self._input += octets
        return bool(octets)

    def _read_line(self, limit: int) -> bool:
        if not self._input:
            return False
        end = self._input.find(b"\r\n", self._scanned)
        if end < 0:
            self._scanned = max(0, len(self._input) - 1)
            return self._skip(limit)
        self._scanned = 0
        if self._skipped or end > limit:
            whole = self._skipped + end
            self._skipped = 0
            del self._input[: end + 2]
            self._throw(Interrupted(Reason.FLOOD) if whole > FLOOD else LineTooLong())
            return True
        line = bytes(self._input[:end])
        del self._input[: end + 2]
        self._resume(line)
        return True

    def _skip(self, limit: int) -> bool:
        """Drop the middle of a line that is too long already."""
        if len(self._input) <= limit + 1 and not self._skipped:
            return False
        drop = max(0, len(self._input) - 1)  # the last octet may be half of its CRLF
        self._skipped += drop
        del self._input[:drop]
        self._scanned = 0
        if self._skipped > FLOOD:
            self._throw(Interrupted(Reason.FLOOD))
            return True
        return False

    def _take_lines(self, last: bytes, limit: int) -> Lines | None:
        data = self._input
        end_line = last + b"\r\n"
        if not self._midline and data.startswith(end_line):
            del data[: len(end_line)]
            self._scanned = 0
            return Lines(b"", True)
        first = data.find(b"\r\n", self._scanned)
        if first < 0:
            if len(data) > limit + 1:
                self._midline = True
                return Lines(self._take(len(data) - 1), False, broken=True)
            self._scanned = max(0, len(data) - 1)
            return None
        end, marked = _end_of(last)(data, first)
        ended = end >= 0
        if not ended:
            end = data.rfind(b"\r\n", first)
        octets = self._take(end + 2)
        if ended:
            del data[: len(end_line)]
        self._midline = False
        return Lines(octets, ended, _has_longer(octets, limit), marked)

    def _take(self, count: int) -> bytes:
        with memoryview(self._input) as view:  # a slice of a bytearray would be a copy more
            taken = bytes(view[:count])
        del self._input[:count]
        self._scanned = 0
        return taken


@lru_cache(16)
def _end_of(last: bytes) -> Callable[[bytearray, int], tuple[int, bool]]:
    """Where the line before the line `last` ends, from some offset on; -1 if there is no `last`.
    And whether another line, other than the first, may begin with it.

    A pattern that begins with what is rare is through text in half the time of `find`; over what
    has none of it, as files in base64, `find` of one octet is ten times as fast.
    """
    line = re.escape(last)
    begin = re.compile(b"%b(?<=\r\n%b)" % (line, line)).search
    whole = re.compile(b"%b(?<=\r\n%b)\r\n" % (line, line)).search

    def first(data: bytearray, start: int) -> re.Match[bytes] | None:
        while (start := data.find(last[:1], start)) >= 0:
            found = begin(data, start, start + STRETCH + len(last))
            if found is not None:
                return found
            start += STRETCH
        return None

    def find(data: bytearray, start: int) -> tuple[int, bool]:
        found = first(data, start + 2)
        if found is None:
            return -1, False
        marked = not data.startswith(b"\r\n", found.end())
        if marked:
            found = whole(data, found.end())
        return (-1 if found is None else found.start() - 2), marked

    return find


def _has_longer(lines: bytes, limit: int) -> bool:
    """Whether one of these whole lines has more than `limit` octets without its CRLF."""
    start = 0
    while len(lines) - start > limit + 2:
        end = lines.rfind(b"\r\n", start, start + limit + 2)
        if end < 0:
            return True
        start = end + 2
    return False
