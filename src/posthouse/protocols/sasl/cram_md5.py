"""CRAM-MD5, for accounts with old programs (RFC 2195)."""

from __future__ import annotations

import hmac

from .mechanism import (
    Challenge,
    Claim,
    Credentials,
    Denied,
    Exchange,
    Malformed,
    Mechanism,
    Offer,
    Outcome,
    Responses,
    Secret,
    SharedSecret,
    Stamp,
)


def serve(offer: Offer) -> Exchange:
    """§2: the server speaks first; the response is the user's name, a space and the digest."""
    stamp: str = yield Stamp()
    response: bytes = yield Challenge(stamp.encode("ascii"))
    name, _, given = response.rpartition(b" ")
    try:
        user = name.decode()
    except UnicodeDecodeError:
        raise Malformed("expected UTF-8") from None
    if not user or "\0" in user or len(given) != 32:
        raise Malformed("expected a name and a digest")
    secret: Secret = yield SharedSecret(user)
    digest = hmac.new(secret.octets, stamp.encode("ascii"), "md5").hexdigest()
    proved = hmac.compare_digest(digest.encode("ascii"), given)
    outcome: Outcome = yield Claim("CRAM-MD5", user, "", proved)
    return outcome if proved else Denied()


def respond(credentials: Credentials) -> Responses:
    """§2, the client's side: the server speaks first."""
    challenge = yield None
    digest = hmac.new(credentials.password.encode(), challenge, "md5").hexdigest()
    yield f"{credentials.user} {digest}".encode()


CRAM_MD5 = Mechanism("CRAM-MD5", 2195, serve, client_first=False, plaintext=False, respond=respond)
