"""Who answers what mechanisms ask, in the transcripts of all protocols.

The users, passwords, salts and nonces are those of the examples in the RFCs. Settings:
`mechanisms` (names, with spaces between them), `end-point` (the channel has this binding),
`certificate` (the client's, with this address).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from hashlib import new, pbkdf2_hmac
from hmac import digest

from posthouse.protocols.dialogue import TLS
from posthouse.protocols.erring import Erred
from posthouse.protocols.sasl import BY_PASSWORD, MECHANISMS
from posthouse.protocols.sasl.mechanism import (
    Accepted,
    Anonymous,
    Bearer,
    Certificate,
    Claim,
    Denial,
    Denied,
    Keys,
    Mechanism,
    Outcome,
    ScramKeys,
    Secret,
    SharedSecret,
    Stamp,
)

STAMP = "<1896.697170952@postoffice.reston.mci.net>"  # RFC 2195 §2
SECRETS = {"tim": b"tanstaaftanstaaf", "mrose": b"tanstaaf"}
PASSWORD = b"pencil"  # of "user" (RFC 5802 §5, RFC 7677 §3)
SALTS = {"SHA-1": "QSXCR+Q6sek8bf92", "SHA-256": "W22ZaJ0SNY7soEsUEjb6gQ=="}
NONCES = {"SHA-1": "3rfcNHYJY1ZVvWVs7j", "SHA-256": "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"}
ITERATIONS = 4096
TOKEN = "good-token"


def mechanisms(settings: Mapping[str, str]) -> Mapping[str, Mechanism]:
    names = settings.get("mechanisms", "").split()
    return {name: MECHANISMS[name] for name in names} or BY_PASSWORD


def tls(settings: Mapping[str, str]) -> TLS:
    return TLS(
        "TLSv1.3",
        "x",
        client_addresses=tuple(settings.get("certificate", "").split()),
        end_point=settings.get("end-point", "").encode(),
    )


def answer(question: object, text: str | None) -> object | None:
    """None for what is no mechanism's question."""
    match question:
        case Erred():
            return "now"
        case ScramKeys(user, hash_):
            return keys(user, hash_)
        case Stamp():
            return STAMP
        case SharedSecret(user):
            return Secret(SECRETS.get(user, b"nobody's"))
        case Claim() | Bearer() | Certificate() | Anonymous():
            return Denied(Denial(text)) if text else outcome(question)
    return None


@cache
def keys(user: str, hash_: str) -> Keys:
    name = hash_.replace("-", "").lower()
    salt = b64decode(SALTS[hash_])
    password = PASSWORD if user == "user" else b"nobody's"
    salted = pbkdf2_hmac(name, password, salt, ITERATIONS)
    stored = new(name, digest(salted, b"Client Key", name)).digest()
    return Keys(salt, ITERATIONS, stored, digest(salted, b"Server Key", name), NONCES[hash_])


def outcome(question: Claim | Bearer | Certificate | Anonymous) -> Outcome:
    match question:
        case Claim(_, user, identity, proved):
            return Accepted(identity or user) if proved else Denied()
        case Bearer(_, token, identity):
            return Accepted(identity or "ann") if token == TOKEN else Denied()
        case Certificate(addresses, identity):
            if identity and identity not in addresses:
                return Denied(Denial.AUTHORIZATION)
            return Accepted(identity or addresses[0])
        case Anonymous():
            return Accepted("guest")
