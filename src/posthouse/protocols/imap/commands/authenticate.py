"""AUTHENTICATE (RFC 3501 §6.2.2; the initial response RFC 4959)."""

from __future__ import annotations

import re

from ...dialogue import Dialogue, read_line, send
from ...sasl.exchange import authenticate as exchange
from ...sasl.exchange import decode, encode
from ...sasl.mechanism import Malformed
from ..extension import Command, Tells
from ..grammar import Reader
from ..responses import continuation
from ..result import Bad, No
from ..session import OUT, Session
from .login import enter

_INITIAL = re.compile(rb"[A-Za-z0-9+/=]+")
_LONGEST = 16 * 1024  # octets; RFC 3501 names no bound, RFC 4954 §4 says 12,288


class _Cancelled(Exception):
    """The client sent "*"."""


def authenticate(session: Session, reader: Reader) -> Dialogue[str]:
    """authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] *(CRLF base64)"""
    reader.space()
    offer = session.offer
    name = reader.atom().upper()
    mechanism = offer.mechanisms.get(name)
    initial = _initial(reader)
    reader.end()
    if mechanism is None:
        if name in session.mechanisms and not session.secure:
            raise No("start TLS first", "PRIVACYREQUIRED")
        raise No("no such mechanism", "CANNOT")
    within = session.limits.login

    def respond(challenge: bytes) -> Dialogue[bytes]:
        yield from send(continuation(encode(challenge)))
        line = yield from read_line(_LONGEST, within)
        if line == b"*":
            raise _Cancelled
        return decode(line)

    try:
        response = None if initial is None else _initial_response(initial)
        outcome = yield from exchange(offer, mechanism, response, respond)
    except _Cancelled:
        raise Bad("authentication cancelled") from None
    except Malformed as malformed:
        raise Bad(str(malformed)) from None
    return (yield from enter(session, outcome))


def _initial(reader: Reader) -> bytes | None:
    """[SP (base64 / "=")]   (RFC 4959 §3)"""
    if not reader.accept(b" "):
        return None
    return reader.take(_INITIAL, "an initial response in base64").group()


def _initial_response(text: bytes) -> bytes:
    """ "=" is a response of no octets (RFC 4959 §3)."""
    return b"" if text == b"=" else decode(text)


AUTHENTICATE = Command(authenticate, OUT, Tells.NOTHING)
