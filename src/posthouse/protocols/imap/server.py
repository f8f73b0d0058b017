"""The server side of IMAP (RFC 3501)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

from ..dialogue import (
    Damaged,
    Dialogue,
    Failed,
    Interrupted,
    LineTooLong,
    Reason,
    Send,
    Unavailable,
    allow,
    send,
)
from ..engine import Engine
from ..erring import pause
from . import commands, news, responses
from .commands.capability import capabilities
from .extension import Command, Extension, Tells
from .framing import Frame, read_command, skip
from .grammar import Reader
from .result import Bad, Bye, No, Torn
from .session import Session, State

_FAREWELLS = {
    Reason.TIMEOUT: "autologout; idle for too long",  # §5.4
    Reason.SHUTDOWN: "server shutting down",
    Reason.FLOOD: "a line without end, or far more than was sent",
    Reason.SHUT_OUT: "your log-in does not hold any more",
}
#: A browser that was led here (ALPACA); what follows is not for us, and gets no answer.
_HTTP = re.compile(rb"[A-Z]+ \S+ HTTP/\d|(?:GET|POST|PUT|HEAD|OPTIONS|CONNECT|DELETE|PATCH) /")


def serve(session: Session) -> Engine:
    """An engine for one connection."""
    return Engine(converse(session), session.notices)


@lru_cache(maxsize=8)
def _known(extensions: tuple[Extension, ...]) -> Mapping[str, Command]:
    """All commands, the same for all connections."""
    known = dict(commands.ALL)
    for extension in extensions:
        known.update(extension.commands)
    return known


def converse(session: Session) -> Dialogue[None]:
    """Greeting, commands, farewell (§3, figure)."""
    known = _known(session.extensions)
    try:
        yield from allow(session.limits.logging_in)
        yield from send(_greeting(session))
        first = True
        while session.state is not State.LOGOUT:
            frame = Frame()
            try:
                yield from read_command(session, frame)
            except (LineTooLong, No, Bad) as fault:
                yield from _reject(session, frame, fault)
            else:
                if first and _HTTP.match(frame.pieces[0]):
                    return
                yield from _run(session, known, Reader(frame, session.utf8))
            first = False
    except Interrupted as interrupted:
        yield from send(_bye(_FAREWELLS[interrupted.reason]))
    except Bye as bye:
        yield from send(_bye(str(bye)))
    except Torn:
        return


def _reject(session: Session, frame: Frame, fault: LineTooLong | No | Bad) -> Dialogue[None]:
    """Say why a command was not read to its end."""
    if isinstance(fault, LineTooLong):
        yield from send(responses.tagged(_tag(frame), b"BAD", "line too long"))
        # How it would have gone on is not known: a literal might be taken for commands.
        raise Bye("line too long") from None
    condition = b"NO" if isinstance(fault, No) else b"BAD"
    yield from _end(session, _tag(frame), condition, str(fault))


def _run(session: Session, known: Mapping[str, Command], reader: Reader) -> Dialogue[None]:
    """Carry a command out and say how it ended."""
    tag, tells, then = b"*", Tells.NOTHING, None
    try:
        session.tag = tag = reader.tag()
        session.numbered = False
        command = _find(session, known, reader)
        tells = command.tells
        condition, said = b"OK", (yield from command.run(session, reader))
        then = command.then
    except No as no:
        condition, said = b"NO", str(no)
    except Bad as bad:
        condition, said, tells = b"BAD", str(bad), Tells.NOTHING
    except LineTooLong:
        condition, said, tells = b"BAD", "line too long", Tells.NOTHING
    except Damaged:
        condition, said = b"NO", "[CORRUPTION] what is kept is damaged; please tell who runs this"
    except Unavailable:
        condition, said = b"NO", "[UNAVAILABLE] not possible now; please try again later"
    except Failed:
        condition, said = b"NO", "[SERVERBUG] internal error; please try again later"
    unread, reader.announced = reader.announced, None
    if unread:  # APPEND was refused before its message was read
        try:
            yield from skip(unread, session.limits.unwanted(session.state), session.limits.step)
        except (Bye, LineTooLong):
            yield from send(responses.tagged(tag, condition, said))
            raise Bye("the literal is too large", "TOOBIG") from None
    listening = session.selected is not None or session.watch is not None
    if listening and tells is not Tells.NOTHING:
        allowed = tells is Tells.ALL and not session.numbered
        try:  # noqa: SIM105  each command comes here, and `suppress` takes longer than the rest
            yield from news.tell(session, allowed)
        except Failed:
            pass  # the news can wait
    yield from _end(session, tag, condition, said)
    if then:
        yield from then(session)


def _find(session: Session, known: Mapping[str, Command], reader: Reader) -> Command:
    """The command whose name comes next."""
    name = reader.name()
    command = known.get(name)
    if not command:
        raise Bad("no such command")
    if session.state not in command.states:
        raise Bad(f"{name} is not allowed now", "CLIENTBUG")
    if command.by_number and "UIDONLY" in session.enabled:
        raise Bad("messages are named by their UIDs only", "UIDREQUIRED")
    return command


def _end(session: Session, tag: bytes, condition: bytes, said: str) -> Dialogue[None]:
    """Send the tagged response; too many errors are the end."""
    # NO to a log-in has taken its time already.
    if session.pauses and condition == b"BAD" and session.state is State.NOT_AUTHENTICATED:
        yield from pause()
    octets = responses.tagged(tag, condition, said)
    if session.ahead:
        octets, session.ahead = session.ahead + octets, b""
    yield Send(octets)
    limits = session.limits
    if session.state is State.NOT_AUTHENTICATED:
        session.errors += condition != b"OK"
        most = limits.errors_before_login
    else:
        session.errors = session.errors + 1 if condition == b"BAD" else 0
        most = limits.errors
    if session.errors >= most:
        raise Bye("too many errors")


def _tag(frame: Frame) -> bytes:
    """The tag of a command that could not be read to its end."""
    if frame.pieces:
        with suppress(Bad):
            return Reader(frame).tag()
    return b"*"


def _greeting(session: Session) -> bytes:
    """greeting = "*" SP "OK" SP resp-text CRLF"""
    said = f"[CAPABILITY {capabilities(session)}] {session.hostname} ready"
    return responses.untagged(b"OK " + responses.text(said))


def _bye(said: str) -> bytes:
    """§7.1.5"""
    return responses.untagged(b"BYE " + responses.text(said))
