"""EXTERNAL: the client's certificate says who it is (RFC 4422 appendix A)."""

from __future__ import annotations

from ..dialogue import TLS
from .mechanism import (
    Certificate,
    Challenge,
    Exchange,
    Malformed,
    Mechanism,
    Offer,
    Outcome,
)


def has_certificate(tls: TLS | None) -> bool:
    """The client has shown a certificate that was verified and names an address."""
    return tls is not None and bool(tls.client_addresses)


def serve(offer: Offer) -> Exchange:
    """§A.1: the response is whom to act as, or empty."""
    response: bytes = yield Challenge(b"")
    try:
        identity = response.decode()
    except UnicodeDecodeError:
        raise Malformed("expected UTF-8") from None
    if "\0" in identity:
        raise Malformed("an identity has no NUL")
    assert offer.tls is not None, "offered without TLS"
    outcome: Outcome = yield Certificate(offer.tls.client_addresses, identity)
    return outcome


EXTERNAL = Mechanism(
    "EXTERNAL", 4422, serve, client_first=True, plaintext=False, available=has_certificate
)
