"""What a mechanism is (RFC 4422 §5): challenges out, responses in, at the end an outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Challenge:
    """Octets for the client, which has to respond. An empty one begins a client's turn."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Password:
    """Asked of the agent: may this user, with this password, act as `identity`?

    Answered with `Accepted` or `Denied`.
    """

    user: str
    password: str = field(repr=False)
    identity: str = ""  # "" is the user's own (RFC 4422 §3.4.1)


@dataclass(frozen=True, slots=True)
class Credentials:
    """With what a client logs in."""

    user: str
    password: str = field(repr=False)
    identity: str = ""  # "" is the user's own (RFC 4422 §3.4.1)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The client is who it says, and acts as this account."""

    account: str


class Denial(Enum):
    """Why not."""

    CREDENTIALS = "credentials"
    AUTHORIZATION = "authorization"  # right password, but may not act as the other identity
    UNAVAILABLE = "unavailable"  # cannot be told now
    EXPIRED = "expired"
    WEAK = "weak"  # this account needs a stronger mechanism


@dataclass(frozen=True, slots=True)
class Denied:
    why: Denial = Denial.CREDENTIALS


Outcome = Accepted | Denied
Exchange = Generator[object, Any, Outcome]

#: A client's side: is sent challenges and yields responses. The first is the initial response;
#: None where the server is to speak first.
Responses = Generator[bytes | None, bytes, None]


class Malformed(Exception):
    """The client's response makes no sense."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """`serve` yields a `Challenge`, and is sent the response; or else a question for the agent,
    and is sent the answer.
    """

    name: str
    rfc: int | None
    serve: Callable[[], Exchange]
    respond: Callable[[Credentials], Responses]  # the client's side
    client_first: bool  # the client may respond before a challenge (RFC 4422 §3.3)
    plaintext: bool  # the password can be read on the wire
