"""DATA and the message behind it (RFC 5321 §4.1.1.4, §4.5.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import IncrementalNewlineDecoder

from ..dialogue import Allow, Ask, Dialogue, Failed, Lines, ReadLines, Send, Show, show
from . import lmtp
from .events import Abort, BeginContent, Content, EndOfMessage
from .reply import LOST, Refused, Reply
from .session import Service, Session, Settings, State, answer, decide

# Steps and questions that are alike for all letters.
_MAY_COME = Ask(BeginContent())
_GO_ON = Send(bytes(Reply(354, "", "end with <CRLF>.<CRLF>")))
_NO_BOUND = Allow(None)

TOO_LARGE = Reply(552, "5.3.4", "message too large")  # RFC 1870 §6.3
LINE_TOO_LONG = Reply(554, "5.6.0", "a line of the message is too long")
BARE = Reply(554, "5.6.0", "the message has a CR or LF that stands alone")  # §2.3.8
NUL = Reply(554, "5.6.0", "the message has a NUL")  # RFC 5322 §4
#: Of several, the first here is told: how a message was cut on its way must not decide.
FAULTS = (TOO_LARGE, LINE_TOO_LONG, BARE, NUL)

_CRLF_ALONE = (None, "\r\n")
_newline = re.compile(rb"\r\n|\r|\n")


def data(session: Session, argument: str) -> Dialogue[None]:
    """§4.1.1.4: data = "DATA" CRLF"""
    if argument:
        raise Refused(501, "5.5.4", "no argument is expected")
    reply: Reply = yield _MAY_COME
    if not reply.positive:
        yield from answer(session, reply)
        return
    yield _GO_ON
    yield Allow(session.settings.message_time)
    message = yield from read_message(session.settings)
    yield _NO_BOUND
    yield from end_message(session, message)


@dataclass(slots=True)
class Message:
    """What is known of a message when it has come."""

    size: int = 0
    eight_bit: bool = False
    fault: Reply | None = None


def end_message(session: Session, message: Message) -> Dialogue[None]:
    """The whole message has come: it is taken, or it is refused; the transaction is over."""
    session.state = State.GREETED
    if session.service is Service.LMTP:
        yield from lmtp.end_message(session, message.size, message.eight_bit, message.fault)
        return
    if message.fault is not None:
        yield from show(Abort())
        yield from answer(session, message.fault)
        return
    try:
        reply = yield from decide(session, EndOfMessage(message.size, message.eight_bit))
    except Failed:
        yield from show(Abort())
        yield from answer(session, LOST)
        return
    if reply.positive:
        session.errors = 0


def read_message(settings: Settings) -> Dialogue[Message]:
    """All lines up to the one that is a dot. What follows a fault is looked at, and dropped."""
    message = Message()
    ended = False
    while not ended:
        lines: Lines = yield ReadLines(b".", settings.text_line, settings.data_time)
        ended = lines.ended
        octets = without_dots(lines)
        if settings.normalise:
            octets = _newline.sub(b"\r\n", octets)
        message.size += len(octets)
        text = octets.decode("latin-1")  # one pass, after which `isascii` is none
        found = LINE_TOO_LONG if lines.broken else fault(text)
        if settings.largest and message.size > settings.largest:
            found = TOO_LARGE
        if found is not None and found is not message.fault:
            message.fault = min(found, message.fault or found, key=FAULTS.index)
        if message.fault is None and octets:
            message.eight_bit = message.eight_bit or not text.isascii()
            yield Show(Content(octets))
    return message


def without_dots(lines: Lines) -> bytes:
    """§4.5.2: the first period of a line is deleted"""
    octets = lines.octets.removeprefix(b".")
    return octets.replace(b"\r\n.", b"\r\n") if lines.marked else octets


def fault(lines: str) -> Reply | None:
    """What is wrong with whole lines, an octet a character: one rule for all ways in.

    The decoder makes no newlines other here, but notes in one pass which of CRLF, CR and LF it has
    seen: a third less than to count or to replace them takes.
    """
    decoder = IncrementalNewlineDecoder(None, translate=False)
    decoder.decode(lines, final=True)
    if decoder.newlines not in _CRLF_ALONE:
        return BARE
    return NUL if "\0" in lines else None
