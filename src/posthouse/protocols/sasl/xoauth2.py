"""XOAUTH2, what was there before OAUTHBEARER and is still asked for; never standardised."""

from __future__ import annotations

import re

from .mechanism import (
    Accepted,
    Bearer,
    Challenge,
    Exchange,
    Malformed,
    Mechanism,
    Offer,
    Outcome,
)

LONGEST = 8192  # octets of a response
FAILED = b'{"status":"401","schemes":"bearer","scope":"mail"}'

_response = re.compile(
    r"user=(?P<user>[^\0\x01]+)\x01auth=(?i:bearer) +(?P<token>[A-Za-z0-9._~+/-]+=*)\x01\x01"
).fullmatch


def serve(offer: Offer) -> Exchange:
    """One response; where the token is refused, a challenge that the client answers first."""
    response: bytes = yield Challenge(b"")
    try:
        found = _response(response.decode()) if len(response) <= LONGEST else None
    except UnicodeDecodeError:
        found = None
    if found is None:
        raise Malformed("expected user= and auth=Bearer")
    outcome: Outcome = yield Bearer("XOAUTH2", found["token"], found["user"])
    if not isinstance(outcome, Accepted):
        yield Challenge(FAILED)
    return outcome


XOAUTH2 = Mechanism("XOAUTH2", None, serve, client_first=True, plaintext=True)
