"""The server's side of POP3 (RFC 1939).

    AUTHORIZATION --PASS, AUTH--> TRANSACTION --QUIT--> UPDATE      (§3)

One command runs at a time and reads only what it wants, so that a client may send several at
once (RFC 2449 §6.6). Messages are deleted by QUIT and by nothing else: a client that goes away,
or is silent for too long, has deleted nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from ..dialogue import (
    Damaged,
    Dialogue,
    Failed,
    Interrupted,
    LineTooLong,
    Reason,
    allow,
    ask,
    read_line,
)
from ..engine import Engine
from ..erring import pause
from ..sasl.mechanism import Stamp
from .capability import LONGEST_COMMAND, Command
from .commands import COMMANDS
from .reply import Refused, error, fact
from .session import Session, State

AUTOLOGOUT = 600.0  # seconds without a command (§3: at least 10 minutes)

CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")

#: A browser was led here: what follows in its request must not be taken for commands.
HTTP = frozenset({"GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE"})

FAREWELLS: Mapping[Reason, tuple[str, str]] = {
    Reason.SHUTDOWN: ("the server shuts down, try again later", "SYS/TEMP"),
    Reason.FLOOD: ("line too long", ""),
}


def serve(session: Session) -> Engine:
    """An engine for one connection."""
    return Engine(converse(session))


def converse(session: Session) -> Dialogue[None]:
    """From the greeting to the end of the session."""
    commands = dict(COMMANDS)
    for capability in session.capabilities:
        longest = capability.longest_command
        for word, run in capability.added.items():
            commands[word] = Command(run, capability.valid, longest)
    limits = {state: longest_line(commands, state) for state in State}
    try:
        yield from allow(session.login_within)
        yield from greet(session)
        while not session.over:
            yield from turn(session, commands, limits[session.state])
    except Interrupted as interruption:
        # §3: the autologout is without a word, and so is the end of who may not be here
        if interruption.reason in FAREWELLS:
            yield from error(session, *FAREWELLS[interruption.reason])


def longest_line(commands: Mapping[str, Command], state: State) -> int:
    """Octets, without CRLF, of the longest command in this state (RFC 2449 §4)."""
    lengths = [command.longest for command in commands.values() if state in command.states]
    return max(lengths, default=LONGEST_COMMAND) - len("\r\n")


def greet(session: Session) -> Dialogue[None]:
    """§4; with a timestamp where there are accounts for APOP (§7)."""
    if session.apop:
        with suppress(Failed):
            session.stamp = yield from ask(Stamp(), str)
    yield from fact(f"{session.hostname} POP3 server ready {session.stamp}".rstrip())


def turn(session: Session, commands: Mapping[str, Command], limit: int) -> Dialogue[None]:
    """One command and its response."""
    try:
        line = yield from read_line(limit, AUTOLOGOUT, command=True)
        yield from obey(session, commands, line)
    except Refused as refusal:
        yield from refuse(session, refusal)
    except LineTooLong:
        yield from refuse(session, Refused("line too long"))
    except Damaged:
        session.previous = ""
        # RFC 3206 §4: nothing comes of another try
        yield from error(session, "what is kept is damaged, tell who runs this", "SYS/PERM")
    except Failed:
        session.previous = ""
        yield from error(session, "cannot do that now, try again later", "SYS/TEMP")  # RFC 3206 §4


def obey(session: Session, commands: Mapping[str, Command], line: bytes) -> Dialogue[None]:
    """One command."""
    word, argument = parse_command(line)
    command = commands.get(word)
    if command is None:
        session.over = word in HTTP
        raise Refused("unknown command")
    if session.state not in command.states:
        raise Refused("not in the {state} state", state=session.state.name)
    if len(line) + len("\r\n") > command.longest:
        raise Refused("line too long")
    yield from command.run(session, argument)
    session.previous = word


def parse_command(line: bytes) -> tuple[str, str]:
    """RFC 2449 §3: command = keyword *(SP param) CRLF; with UTF-8 in what names a user."""
    try:
        word, space, argument = line.decode().partition(" ")
    except UnicodeDecodeError:
        raise Refused("expected UTF-8") from None
    if (space and not argument) or CONTROLS.search(line):
        raise Refused("syntax error")
    return word.upper(), argument


def refuse(session: Session, refusal: Refused) -> Dialogue[None]:
    """-ERR, and the end if that was one too many."""
    session.previous = ""
    session.errors += 1
    # What bears a code is no mistake in speaking, or a failed log-in, which takes its time already.
    if session.pauses and session.state is State.AUTHORIZATION and not refusal.code:
        yield from pause()
    yield from error(session, refusal.text, refusal.code, **refusal.values)
    if session.errors >= session.errors_allowed or session.logins >= session.logins_allowed:
        session.over = True
