"""IDLE: the client is told of changes as they happen (RFC 2177)."""

from __future__ import annotations

from contextlib import suppress

from ...dialogue import Dialogue, Failed, LineTooLong, read_line_or_notice, send
from .. import news
from ..extension import Command, Extension, Tells
from ..framing import announced_by, by_the_client, skip
from ..grammar import Reader
from ..responses import continuation
from ..result import Bad, Bye
from ..session import IN, Session

_DONE = 1000  # octets; the line is "DONE"


def idle(session: Session, reader: Reader) -> Dialogue[str]:
    """idle = "IDLE" CRLF "DONE"; a client that is silent for longer is logged out (§3)."""
    reader.end()
    yield from news.refresh(session, expunges_allowed=True)
    yield from send(continuation(b"idling"))
    within = session.limits.autologout
    try:
        line = yield from by_the_client(within, _tell_until_done(session, within))
    except LineTooLong:  # it may have announced a literal, which might be taken for commands
        raise Bye("line too long") from None
    if line.upper() != b"DONE":
        if announced := announced_by(line):
            yield from skip(announced, session.limits.unwanted(session.state), session.limits.step)
        raise Bad("expected DONE")
    return "no longer idling"


def _tell_until_done(session: Session, within: float) -> Dialogue[bytes]:
    """The line that ends it."""
    while True:
        given = yield from read_line_or_notice(_DONE, within)
        if isinstance(given, bytes):
            return given
        with suppress(Failed):  # the client is in the middle of IDLE: the news can wait
            yield from news.refresh(session, expunges_allowed=True)


IDLE = Extension(rfc=2177, capability="IDLE", commands={"IDLE": Command(idle, IN, Tells.NOTHING)})
