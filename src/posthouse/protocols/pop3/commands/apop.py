"""APOP: a name and a digest of the greeting's timestamp with the password (RFC 1939 §7)."""

from __future__ import annotations

import hashlib
import hmac

from ...dialogue import Dialogue, ask
from ...sasl.mechanism import Accepted, Claim, Denied, Secret, SharedSecret
from ..login import log_in
from ..reply import Refused
from ..session import Session


def apop(session: Session, argument: str) -> Dialogue[None]:
    """APOP name digest: 32 hexadecimal digits in lower case."""
    name, _, digest = argument.rpartition(" ")
    if not session.stamp:
        raise Refused("the greeting has no timestamp for APOP")
    if not name or len(digest) != 32 or not digest.isascii():
        raise Refused("expected a name and a digest")
    secret = yield from ask(SharedSecret(name), Secret)
    octets = session.stamp.encode("ascii") + secret.octets
    wanted = hashlib.md5(octets, usedforsecurity=False).hexdigest()
    proved = hmac.compare_digest(wanted.encode("ascii"), digest.encode("ascii"))
    outcome = yield from ask(Claim("APOP", name, "", proved), object)
    assert isinstance(outcome, Accepted | Denied)
    yield from log_in(session, outcome if proved else Denied())
