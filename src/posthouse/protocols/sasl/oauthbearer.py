"""OAUTHBEARER: a token of an authorization server (RFC 7628)."""

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
FAILED = b'{"status":"invalid_token"}'  # §3.2.2

#: §3.1: gs2-header kvsep *kvpair kvsep, with n or y alone, since nothing is bound
_response = re.compile(
    r"[ny],(?:a=(?P<identity>[^,\0\x01]+))?,\x01(?P<pairs>(?:[A-Za-z]+=[!-~ \t\r\n]*\x01)*)\x01"
).fullmatch
_scheme = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*) *").fullmatch


def serve(offer: Offer) -> Exchange:
    """§3.1, §3.2"""
    response: bytes = yield Challenge(b"")
    identity, token = read(response)
    outcome: Outcome = yield Bearer("OAUTHBEARER", token, identity)
    if not isinstance(outcome, Accepted):
        # §3.2.3: the client has to say a word, whatever it is, and is then told no
        yield Challenge(FAILED)
    return outcome


def read(response: bytes) -> tuple[str, str]:
    """Whom to act as, and the token. Raises Malformed."""
    try:
        found = _response(response.decode()) if len(response) <= LONGEST else None
    except UnicodeDecodeError:
        found = None
    if found is None:
        raise Malformed("expected a client's response of RFC 7628")
    pairs = dict(pair.split("=", 1) for pair in found["pairs"].split("\x01") if pair)
    token = _scheme(pairs.get("auth", ""))
    if token is None:
        raise Malformed("expected a bearer token")
    identity = (found["identity"] or "").replace("=2C", ",").replace("=3D", "=")
    return identity, token[1]


OAUTHBEARER = Mechanism("OAUTHBEARER", 7628, serve, client_first=True, plaintext=True)
