"""SASL: the AUTH command (RFC 5034, which supersedes RFC 2449 §6.3)."""

from __future__ import annotations

from ...dialogue import Dialogue, read_line, send
from ...sasl.exchange import authenticate, decode, encode
from ...sasl.mechanism import Malformed
from ..capability import AUTHORIZATION, Capability
from ..login import log_in
from ..reply import Refused
from ..session import Session

LONGEST_RESPONSE = 12288  # octets (§4: as long as the mechanisms need; RFC 4954 §4)
#: Octets, where §4 has 255. Quirk: clients for Gmail send a token of any length with AUTH itself.
LONGEST_AUTH = LONGEST_RESPONSE


def offered(session: Session) -> str | None:
    """§3: the list may change with STLS, not with the login."""
    return str(session.offer) or None


def auth(session: Session, argument: str) -> Dialogue[None]:
    """§5: "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF cancel-response] CRLF"""
    name, given, initial = argument.partition(" ")
    offer = session.offer
    mechanism = offer.mechanisms.get(name.upper())
    if mechanism is None:
        raise Refused("mechanism not available")
    try:
        response = decode(b"" if initial == "=" else initial.encode()) if given else None
        outcome = yield from authenticate(offer, mechanism, response, respond)
    except Malformed:
        raise Refused("cannot make sense of the response") from None
    yield from log_in(session, outcome)


def respond(challenge: bytes) -> Dialogue[bytes]:
    """§4: a challenge and its response; "*" cancels."""
    yield from send(b"+ " + encode(challenge) + b"\r\n")
    line = yield from read_line(LONGEST_RESPONSE)
    if line == b"*":
        raise Refused("authentication cancelled")
    return decode(line)


SASL = Capability(
    tag="SASL",
    arguments=offered,
    added={"AUTH": auth},
    valid=AUTHORIZATION,
    longest_command=LONGEST_AUTH,
    reference="RFC 5034",
)
