"""Messages that come with a command, APPEND (RFC 3501 §6.3.11) or REPLACE (RFC 8508).

A message is not read before the agent has agreed to take it, and streams to it as it comes.
"""

from __future__ import annotations

from ..dialogue import Dialogue, Failed, LineTooLong, read_line, read_octets, rest, send, show
from .events import AbandonAppend, AppendContent, Appended, BeginAppend, obey
from .extension import offers
from .framing import GO_AHEAD, Frame, Literal, announced_by
from .grammar import Reader
from .result import Bad, Bye, No
from .sequence import format_set, runs
from .session import Session

_BLOCK = 64 * 1024  # octets


def read_messages(
    session: Session, reader: Reader, mailbox: str, most: int, replaces: int = 0
) -> Dialogue[None]:
    """1*append-message, at most so many, and the end of the command.

    When they have been read the agent has all of them, and waits for what ends it.
    """
    begun, left, arguments = False, session.limits.message, reader
    try:
        for _ in range(most):
            message, utf8 = _message(session, arguments, mailbox, replaces)
            if message.size > left:
                raise No("the message is too large", "TOOBIG")
            left -= message.size
            yield from obey(message)
            begun = True
            following = yield from _content(session, reader, message.size)
            reader.announced = announced_by(following)
            if utf8:
                following = _closed(following)
            if not following:
                return
            arguments = Reader(Frame([following], reader.announced), session.utf8)
        if most == 1:
            raise Bad("unexpected argument")
        raise No("too many messages in one command", "LIMIT")
    except (Bad, No, Failed):
        if begun:
            yield from show(AbandonAppend())
        raise
    except LineTooLong:  # it may have announced a literal, which might be taken for commands
        yield from show(AbandonAppend())
        raise Bye("line too long") from None


def _message(
    session: Session, reader: Reader, mailbox: str, replaces: int
) -> tuple[BeginAppend, bool]:
    """append-message = [SP flag-list] [SP date-time] SP append-data, up to the octets

    append-data = literal / literal8 / "UTF8" SP "(" literal8 ")"   (RFC 3516 §7, RFC 6855 §4);
    true for the last.
    """
    reader.space()
    flags: tuple[bytes, ...] = ()
    date = None
    if reader.next_is(b"("):
        flags = reader.flag_list()
        reader.space()
    if reader.next_is(b'"'):
        date = reader.date_time()
        reader.space()
    utf8 = offers(session, "UTF8=ACCEPT") and reader.accept(b"UTF8 (")
    binary = utf8 or offers(session, "BINARY")
    binary = binary and reader.accept(b"~")
    if utf8 and not binary:
        raise Bad("expected a literal8")
    size = reader.announcement().size
    if not size:
        raise No("a message has an octet at least")
    return BeginAppend(mailbox, flags, date, size, binary, session.utf8, replaces), utf8


def _content(session: Session, reader: Reader, left: int) -> Dialogue[bytes]:
    """The octets of a message, shown as they come; gives the rest of the line behind them."""
    within = session.limits.step
    announced = reader.announced
    assert isinstance(announced, Literal)
    reader.announced = None  # from here on it is read
    if announced.waits:
        yield from send(GO_AHEAD)
    while left:
        octets = yield from read_octets(min(left, _BLOCK), within)
        left -= len(octets)
        yield from show(AppendContent(octets))
        if session.compressed:  # few octets that have come may be many of these
            yield from rest()
    return (yield from read_line(within=within))


def _closed(line: bytes) -> bytes:
    """What follows the parenthesis of UTF8."""
    if not line.startswith(b")"):
        raise Bad("expected ')'")
    return line[1:]


def appended_uids(session: Session, appended: Appended) -> str:
    """resp-code-apnd = "APPENDUID" SP nz-number SP append-uid   (RFC 4315 §4, RFC 3502)"""
    if not offers(session, "UIDPLUS"):
        return ""
    uids = format_set(runs(appended.uids)).decode("ascii")
    return f"[APPENDUID {appended.uid_validity} {uids}] "
