"""ANONYMOUS: nobody in particular, where an account is named for them (RFC 4505)."""

from __future__ import annotations

from .mechanism import Anonymous, Challenge, Exchange, Malformed, Mechanism, Offer, Outcome

LONGEST = 255  # characters (§2)


def serve(offer: Offer) -> Exchange:
    """§2: message = [ email / token ]"""
    response: bytes = yield Challenge(b"")
    try:
        trace = response.decode()
    except UnicodeDecodeError:
        raise Malformed("expected UTF-8") from None
    if len(trace) > LONGEST or not trace.isprintable():
        raise Malformed("expected a word about oneself")
    outcome: Outcome = yield Anonymous(trace)
    return outcome


ANONYMOUS = Mechanism("ANONYMOUS", 4505, serve, client_first=True, plaintext=False)
