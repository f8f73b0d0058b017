"""PLAIN (RFC 4616)."""

from .mechanism import Challenge, Exchange, Malformed, Mechanism, Outcome, Password


def serve() -> Exchange:
    """§2: message = [authzid] UTF8NUL authcid UTF8NUL passwd"""
    response: bytes = yield Challenge(b"")
    try:
        identity, user, password = response.decode().split("\0")
    except ValueError:
        raise Malformed("expected identity, user and password") from None
    if not user or not password:
        raise Malformed("user and password have an octet at least")
    outcome: Outcome = yield Password(user, password, identity)
    return outcome


PLAIN = Mechanism("PLAIN", 4616, serve, client_first=True, plaintext=True)
