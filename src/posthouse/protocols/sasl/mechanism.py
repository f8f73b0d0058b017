"""What a mechanism is (RFC 4422 §5): challenges out, responses in, at the end an outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..dialogue import TLS


@dataclass(frozen=True, slots=True)
class Challenge:
    """Octets for the client, which has to respond. An empty one begins a client's turn."""

    octets: bytes


# Questions that end an exchange: each is answered with `Accepted` or `Denied`.


@dataclass(frozen=True, slots=True)
class Password:
    """Asked of the agent: may this user, with this password, act as `identity`?

    Answered with `Accepted` or `Denied`.
    """

    user: str
    password: str = field(repr=False)
    identity: str = ""  # "" is the user's own (RFC 4422 §3.4.1)


@dataclass(frozen=True, slots=True)
class Claim:
    """Asked of the agent: this user has proved who it is, or has failed to; may it come in?"""

    mechanism: str
    user: str
    identity: str  # whom to act as; "" is the user's own
    proved: bool


@dataclass(frozen=True, slots=True)
class Bearer:
    """Asked of the agent: whom does this token admit (RFC 6750)?"""

    mechanism: str
    token: str = field(repr=False)
    identity: str  # whom to act as; "" is the token's own


@dataclass(frozen=True, slots=True)
class Certificate:
    """Asked of the agent: whom does a verified certificate with these addresses admit?"""

    addresses: tuple[str, ...]
    identity: str  # whom to act as; "" is the certificate's own


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Asked of the agent: may nobody in particular come in?"""

    trace: str  # what the client says of itself (RFC 4505 §2)


# Questions on the way.


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """Asked of the agent: the user's keys for SCRAM with this hash. Answered with `Keys`, also
    where there is no such user.
    """

    user: str
    hash: str  # "SHA-256"


@dataclass(frozen=True, slots=True)
class Keys:
    """What is kept of a password for SCRAM (RFC 5802 §3), and a nonce never used before."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)
    nonce: str  # printable ASCII without a comma


@dataclass(frozen=True, slots=True)
class Stamp:
    """Asked of the agent: a text that was never said before, `<random.time@host>` (str)."""


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """Asked of the agent: the password itself. Answered with `Secret`."""

    user: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A password's octets; a random one where it is not kept, or there is no such user."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """With what a client logs in."""

    user: str
    password: str = field(repr=False)
    identity: str = ""  # "" is the user's own (RFC 4422 §3.4.1)
    nonce: str = ""  # printable ASCII without a comma, never used before; "" where there is none


@dataclass(frozen=True, slots=True)
class SaltedPassword:
    """Asked of a client's agent: Hi(Normalize(password), salt, i) of RFC 5802 §3, as octets.

    It takes up to a tenth of a second to make, which is not for a loop that others wait for.
    """

    digest: str  # hashlib's name
    password: bytes = field(repr=False)
    salt: bytes
    iterations: int


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
Proof = Password | Claim | Bearer | Certificate | Anonymous
Lookup = ScramKeys | Stamp | SharedSecret
PROOFS: tuple[type[Proof], ...] = (Password, Claim, Bearer, Certificate, Anonymous)
LOOKUPS: tuple[type[Lookup], ...] = (ScramKeys, Stamp, SharedSecret)
Exchange = Generator[object, Any, Outcome]

#: A client's side: is sent challenges and yields responses. The first is the initial response;
#: None where the server is to speak first. On the way it may yield a `SaltedPassword`, and is sent
#: the answer. Raises Malformed when the exchange is to be cancelled.
Responses = Generator[bytes | SaltedPassword | None, bytes, None]


class Malformed(Exception):
    """The peer's response, or challenge, makes no sense."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a client may choose from on its connection, as it is now."""

    mechanisms: Mapping[str, Mechanism] = field(default_factory=dict)
    tls: TLS | None = None

    def __bool__(self) -> bool:
        return bool(self.mechanisms)

    def __str__(self) -> str:
        return " ".join(self.mechanisms)


def anywhere(tls: TLS | None) -> bool:
    """The mechanism needs nothing of the connection."""
    return True


@dataclass(frozen=True, slots=True)
class Mechanism:
    """`serve` yields a `Challenge`, and is sent the response; or else a question for the agent,
    and is sent the answer.
    """

    name: str
    rfc: int | None
    serve: Callable[[Offer], Exchange]
    client_first: bool  # the client may respond before a challenge (RFC 4422 §3.3)
    plaintext: bool  # what lets one in can be read on the wire
    available: Callable[[TLS | None], bool] = anywhere
    respond: Callable[[Credentials], Responses] | None = None  # the client's side, if there is one
    mutual: bool = False  # the server proves itself, too: only then is it over (RFC 4422 §5)


def offer(mechanisms: Mapping[str, Mechanism], tls: TLS | None, private: bool) -> Offer:
    """Those of them that this connection can have; `private`: nobody else can read it."""
    return Offer(
        {
            name: each
            for name, each in mechanisms.items()
            if (private or not each.plaintext) and each.available(tls)
        },
        tls,
    )
