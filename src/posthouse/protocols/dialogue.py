"""What every protocol here is written in: a dialogue.

A dialogue is a generator. It yields a step when it needs something and is resumed when it has
it, so that an exchange of many turns is straight-line code without I/O, clock or chance:

    line = yield from read_line()            # wait for the peer
    yield from send(b"250 ok\\r\\n")           # speak to the peer
    yield from show(Content(octets))         # tell the agent
    reply = yield from ask(Mail(...), Reply) # have the agent decide

Four exceptions are thrown into a dialogue at the step where it stands:

    LineTooLong   the peer's line was longer than the step allows; it has been skipped
    Interrupted   the peer took too long, or the server ends: say so to the peer and return
    Failed        the agent could not answer a question for a reason of its own
    GeneratorExit the peer has gone
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

LINE_LIMIT = 64 * 1024  # octets
TIMEOUT = 300.0  # seconds (RFC 5321 §4.5.3.2.7)


class LineTooLong(Exception):
    """The peer's line was longer than allowed. It has been read to its end and dropped."""


class Reason(Enum):
    """Why a dialogue is interrupted."""

    TIMEOUT = "timeout"
    SHUTDOWN = "shutdown"
    FLOOD = "flood"  # a line without any end; what becomes far more than was sent (RFC 4978)
    SHUT_OUT = "shut out"  # who has logged in may not go on


class Interrupted(Exception):
    """The dialogue has to end now: a last word to the peer, then return."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Failed(Exception):
    """The agent failed to answer. The session may go on; the peer may try again later."""


class Unavailable(Failed):
    """What is needed is not at hand for now, by no fault of the program's: a full disk."""


class Damaged(Failed):
    """What was asked for is not as it was kept: to try again is of no use."""


@dataclass(frozen=True, slots=True)
class TLS:
    """What is known of a connection's encryption."""

    version: str  # "TLSv1.3"
    cipher: str
    server_name: str = ""  # SNI, what the client asked for
    client_addresses: tuple[str, ...] = ()  # in the client's certificate, if it was verified
    end_point: bytes = b""  # the channel binding tls-server-end-point (RFC 5929 §4)


# Steps are made by the thousand and never shared: not frozen, since a frozen instance takes three
# times as long to make.


@dataclass(slots=True)
class ReadLine:
    """Wait for a line of at most `limit` octets; CRLF alone ends it, and is not given.

    `within` is the time the peer has for it, in seconds. `command` marks the wait between two
    commands, where a server that shuts down may interrupt.
    """

    limit: int = LINE_LIMIT
    within: float = TIMEOUT
    command: bool = False


@dataclass(slots=True)
class ReadLineOrNotice:
    """Wait for a line as above, or for a notice from the agent, whichever comes first."""

    limit: int = LINE_LIMIT
    within: float = TIMEOUT


@dataclass(slots=True)
class ReadLines:
    """Wait for whole lines, as many as have come, but none after the line `last`."""

    last: bytes
    limit: int = LINE_LIMIT
    within: float = TIMEOUT


@dataclass(slots=True)
class ReadOctets:
    """Wait for at least one octet and at most `most`."""

    most: int
    within: float = TIMEOUT


@dataclass(slots=True)
class TakeNotices:
    """Take the notices that have come, without waiting."""


@dataclass(slots=True)
class Send:
    octets: bytes


@dataclass(slots=True)
class Show:
    """Show the agent something it need not answer."""

    event: object


@dataclass(slots=True)
class Ask:
    """Have the agent answer."""

    question: object


@dataclass(slots=True)
class StartTLS:
    """Shake hands now. What the peer sent ahead in the clear is thrown away (CVE-2011-0411)."""


@dataclass(slots=True)
class StartCompress:
    """Both directions are compressed from here on (RFC 4978)."""


@dataclass(slots=True)
class Rest:
    """Let others have their turn, if this one has taken long."""


@dataclass(slots=True)
class Allow:
    """All that follows, up to the next `Allow`, has to be over within `seconds` (None: no bound).

    It bounds a whole (a message that comes an octet a minute), where `within` bounds a step.
    """

    seconds: float | None


Step = (
    ReadLine
    | ReadLineOrNotice
    | ReadLines
    | ReadOctets
    | TakeNotices
    | Send
    | Show
    | Ask
    | StartTLS
    | StartCompress
    | Rest
    | Allow
)
Dialogue = Generator[Step, Any, T]


@dataclass(slots=True)
class Lines:
    """What `read_lines` gives: whole lines with their CRLFs."""

    octets: bytes
    ended: bool  # the line `last` has come; it is not among the octets
    broken: bool = False  # a line is longer than allowed: the octets stop in its middle
    marked: bool = field(default=True, compare=False)  # lines behind the first may begin with it


def read_line(
    limit: int = LINE_LIMIT, within: float = TIMEOUT, command: bool = False
) -> Dialogue[bytes]:
    """A line without its CRLF. Raises LineTooLong, Interrupted."""
    line: bytes = yield ReadLine(limit, within, command)
    return line


def read_line_or_notice(limit: int = LINE_LIMIT, within: float = TIMEOUT) -> Dialogue[object]:
    """A line (bytes) or a notice, whichever comes first."""
    given: object = yield ReadLineOrNotice(limit, within)
    return given


def read_lines(last: bytes, limit: int = LINE_LIMIT, within: float = TIMEOUT) -> Dialogue[Lines]:
    """The whole lines that have come, up to the line `last`."""
    lines: Lines = yield ReadLines(last, limit, within)
    return lines


def read_octets(most: int, within: float = TIMEOUT) -> Dialogue[bytes]:
    """At least one octet, at most `most`."""
    octets: bytes = yield ReadOctets(most, within)
    return octets


def take_notices() -> Dialogue[tuple[object, ...]]:
    """The notices that wait, oldest first; equal ones are given once."""
    notices: tuple[object, ...] = yield TakeNotices()
    return notices


# A step that gives nothing back needs no generator of its own, which would take longer than it.


def send(octets: bytes) -> Iterable[Send]:
    """Speak to the peer."""
    return (Send(octets),)


def show(event: object) -> Iterable[Show]:
    """Tell the agent something."""
    return (Show(event),)


def ask(question: object, answer: type[T]) -> Dialogue[T]:
    """Have the agent answer with a value of type `answer`. Raises Failed."""
    given = yield Ask(question)
    assert isinstance(given, answer), f"{question!r} was answered with {given!r}"
    return given


def start_tls() -> Dialogue[TLS]:
    """Drop what came in the clear and shake hands; what follows is encrypted."""
    tls: TLS = yield StartTLS()
    return tls


def start_compress() -> Dialogue[None]:
    """Compress all that is sent from here on; what comes is compressed, too."""
    yield StartCompress()


def rest() -> Dialogue[None]:
    """Before more of what takes long without a question to the agent: others may be waiting."""
    yield Rest()


def allow(seconds: float | None) -> Dialogue[None]:
    """Bound the time of all that follows, up to the next `allow`."""
    yield Allow(seconds)
