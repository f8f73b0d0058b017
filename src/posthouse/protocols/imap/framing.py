"""Finds where a command ends: lines and literals in turn (RFC 3501 §4.3, RFC 7888).

Done before parsing, so that a command which cannot be parsed costs only itself. Nothing that was
announced is read before it is known to be small enough. The message of an APPEND is not gathered:
it is left announced, and the command reads it when it knows where it goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeVar

from ..dialogue import (
    Dialogue,
    Failed,
    LineTooLong,
    ReadLine,
    allow,
    read_line,
    read_line_or_notice,
    read_octets,
    send,
)
from .result import Bad, Bye, No
from .session import Session, State

T = TypeVar("T")

#: literal = "{" number ["+"] "}" CRLF *CHAR8
_ANNOUNCED = re.compile(rb"\{(\d+)(\+?)\}\Z")
#: All literals of APPEND are messages, but one that stands first: it is a mailbox name. So it is
#: with REPLACE (RFC 8508 §5).
_APPENDS = rb"[^ ]++ (?:APPEND|(?:UID )?REPLACE [^ ]++) "
_APPEND = re.compile(_APPENDS, re.IGNORECASE)
_NAMED = re.compile(_APPENDS + rb"(?!\{)", re.IGNORECASE)

GO_AHEAD = b"+ go ahead\r\n"
_BLOCK = 64 * 1024  # octets
_HUGE = 1 << 63
_UNWANTED = 100  # literals of one command, read past


@dataclass(frozen=True, slots=True)
class Literal:
    """Octets that the client has announced."""

    size: int
    waits: bool  # the client waits for "+" before it sends them (not `{n+}`)


@dataclass(slots=True)
class Frame:
    """One command: line, literal, line, ... and perhaps a literal not read yet."""

    pieces: list[bytes] = field(default_factory=list)
    announced: Literal | None = None


def read_command(session: Session, frame: Frame) -> Dialogue[None]:
    """Read one command into `frame`, which on failure holds what had been read.

    Raises No and Bad when a literal is too large and the conversation can go on, else Bye.
    """
    limits = session.limits
    session.gathered = 0
    known = session.state is not State.NOT_AUTHENTICATED
    line_limit = limits.line if known else limits.line_before_login
    within = limits.autologout if known else limits.login
    watch = session.watch
    if watch is not None and watch.listens:
        line = yield from by_the_client(within, _first_line(session, line_limit, within))
    else:
        line = yield ReadLine(line_limit, within, command=True)
    frame.pieces.append(line)
    if line[-1:] != b"}":  # which is where most commands end
        return
    streamed = _NAMED.match(line) is not None
    left = limits.command if known else limits.command_before_login
    while line[-1:] == b"}" and (announced := announced_by(line)):
        if streamed:
            frame.announced = announced
            return
        left -= announced.size
        if left < 0 or len(frame.pieces) > 2 * limits.literals:
            yield from _refuse(announced, limits.unwanted(session.state), limits.step)
        if announced.waits:
            yield from send(GO_AHEAD)
        frame.pieces.append((yield from _gather(session, announced.size)))
        line = yield from read_line(line_limit, limits.step)
        frame.pieces.append(line)
        left -= len(line)
        streamed = _APPEND.match(frame.pieces[0]) is not None  # the first was its mailbox name


def _first_line(session: Session, limit: int, within: float) -> Dialogue[bytes]:
    """Of a command; what is noticed meanwhile is told where the client wants it (RFC 5465 §3.1)."""
    noticed = False
    while session.watch is not None and session.watch.listens:
        yield from session.watch.tell_between(session, noticed)
        given = yield from read_line_or_notice(limit, within)
        if isinstance(given, bytes):
            return given
        noticed = True
    return (yield from read_line(limit, within, command=True))


def by_the_client(within: float, waiting: Dialogue[T]) -> Dialogue[T]:
    """Bound how long it is silent: what it is told meanwhile is not its doing (RFC 9051 §5.4)."""
    yield from allow(within)
    try:
        given = yield from waiting
    except (LineTooLong, Failed):
        yield from allow(None)
        raise
    yield from allow(None)
    return given


def _gather(session: Session, count: int) -> Dialogue[bytes]:
    """A literal, whole."""
    gathered = []
    while count:
        octets = yield from read_octets(count, session.limits.step)
        gathered.append(octets)
        count -= len(octets)
        session.gathered += len(octets)
    return b"".join(gathered)


def skip(announced: Literal, most: int, within: float) -> Dialogue[None]:
    """Get past a literal that nobody wants, and the rest of its command.

    A client that waits for "+" will not send it (RFC 3501 §7.5); the others have sent it
    (RFC 7888 §4), and if it is too large to be read for nothing, the connection ends.
    """
    for _ in range(_UNWANTED):
        if announced.waits:
            return
        if announced.size > most:
            break
        most -= announced.size
        left = announced.size
        while left:
            left -= len((yield from read_octets(min(left, _BLOCK), within)))
        following = announced_by((yield from read_line(within=within)))
        if not following:
            return
        announced = following
    raise Bye("the literal is too large", "TOOBIG")


def announced_by(line: bytes) -> Literal | None:
    """The literal that the line announces at its end."""
    found = _ANNOUNCED.match(line, max(0, line.rfind(b"{")))
    if not found:
        return None
    digits, plus = found.groups()
    return Literal(int(digits) if len(digits) < 19 else _HUGE, not plus)


def _refuse(announced: Literal, most: int, within: float) -> Dialogue[None]:
    """Say that it is too large; `most` octets that come all the same are read."""
    if announced.waits:
        raise No("the literal is too large", "TOOBIG")
    yield from skip(announced, most, within)
    raise Bad("the literal is too large", "TOOBIG")
