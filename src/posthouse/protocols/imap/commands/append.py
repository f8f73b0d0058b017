"""APPEND (RFC 3501 §6.3.11), with APPENDUID (RFC 4315 §3)."""

from __future__ import annotations

from ...dialogue import Dialogue, LineTooLong, read_line, read_octets, send, show
from ..events import AbandonAppend, AppendContent, Appended, BeginAppend, EndAppend, decide, obey
from ..extension import Command
from ..framing import GO_AHEAD, announced_by
from ..grammar import Reader
from ..result import Bad, No
from ..session import Session

_BLOCK = 64 * 1024  # octets


def append(session: Session, reader: Reader) -> Dialogue[str]:
    """append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal

    The message is not read before the agent has agreed to take it.
    """
    question = _question(reader)
    if question.size > session.limits.message:
        raise No("the message is too large", "TOOBIG")
    yield from obey(question)
    yield from _content(reader, question.size, session.limits.step)
    appended = yield from decide(EndAppend(), Appended)
    if any(each.capability == "UIDPLUS" for each in session.extensions):
        return f"[APPENDUID {appended.uid_validity} {appended.uid}] appended"
    return "appended"


def _question(reader: Reader) -> BeginAppend:
    """The arguments, up to the announcement of the message."""
    reader.space()
    name = reader.mailbox()
    reader.space()
    flags: tuple[bytes, ...] = ()
    date = None
    if reader.next_is(b"("):
        flags = reader.flag_list()
        reader.space()
    if reader.next_is(b'"'):
        date = reader.date_time()
        reader.space()
    size = reader.announcement().size
    if not size:
        raise No("a message has an octet at least")
    return BeginAppend(name, flags, date, size)


def _content(reader: Reader, left: int, within: float) -> Dialogue[None]:
    """The message, shown as it comes, and the end of the command."""
    announced = reader.announcement()
    reader.announced = None  # from here on it is read
    if announced.waits:
        yield from send(GO_AHEAD)
    while left:
        octets = yield from read_octets(min(left, _BLOCK), within)
        left -= len(octets)
        yield from show(AppendContent(octets))
    try:
        rest = yield from read_line(within=within)
    except LineTooLong:
        yield from show(AbandonAppend())
        raise
    if rest:
        yield from show(AbandonAppend())
        reader.announced = announced_by(rest)
        raise Bad("unexpected argument")


APPEND = Command(append)
