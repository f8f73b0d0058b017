"""PLAIN (RFC 4616)."""

from .mechanism import (
    Challenge,
    Credentials,
    Exchange,
    Malformed,
    Mechanism,
    Offer,
    Outcome,
    Password,
    Responses,
)


def serve(offer: Offer) -> Exchange:
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


def respond(credentials: Credentials) -> Responses:
    """§2"""
    yield f"{credentials.identity}\0{credentials.user}\0{credentials.password}".encode()


PLAIN = Mechanism("PLAIN", 4616, serve, client_first=True, plaintext=True, respond=respond)
