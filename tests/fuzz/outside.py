"""What comes from elsewhere than mail's own protocols: name servers, compression, tokens."""

from __future__ import annotations

import atexit
import base64
import json
import shutil
import tempfile
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import dns.message
import dns.rrset

from posthouse.accounts.base64url import Refused
from posthouse.accounts.tokens import Settings, Tokens
from posthouse.protocols.deflate import FREE, RATIO, Bomb, Deflated
from posthouse.runtime.dns import wire
from tests.fuzz.parsers import holds, run
from tests.fuzz.target import Ran, Target

KINDS = ("A", "AAAA", "MX", "TXT", "TLSA")
ZONE = {
    "A": ["192.0.2.1", "192.0.2.2"],
    "AAAA": ["2001:db8::1"],
    "MX": ["10 mx.example.org.", "20 other.example.org.", "0 ."],
    "TXT": ['"v=spf1 -all" "more"'],
    "TLSA": ["3 1 1 " + "ab" * 32],
}


def replies() -> list[bytes]:
    """Right answers, by dnspython."""
    made = []
    for kind in KINDS:
        query = dns.message.make_query("example.org", kind, use_edns=True)
        reply = dns.message.make_response(query)
        reply.answer.append(dns.rrset.from_text("example.org.", 60, "IN", kind, *ZONE[kind]))
        made.append(reply.to_wire())
    return made


def read_reply(octets: bytes) -> object:
    made = []
    for kind in KINDS:
        try:
            made.append(repr(wire.read(octets, kind)))
        except (wire.Malformed, wire.Unhelpful) as refusal:
            made.append(type(refusal).__name__)
    query = wire.compose("example.org", "MX", 7, edns=True)
    return made, query.is_answered_by(octets), len(octets) > 2 and wire.is_truncated(octets)


def unpack(pieces: Sequence[bytes]) -> Ran:
    """Not more than the bound for what has come."""
    peer, made, size, received = Deflated(), list[bytes](), 0, 0
    said = ""
    try:
        for piece in pieces:
            received += len(piece)
            peer.take(piece)
            while octets := peer.unpack():
                made.append(octets)
                size += len(octets)
    except Bomb as bomb:
        said = str(bomb)
    holds(size <= FREE + RATIO * received + (1 << 16), "more than the bound")
    # Where a wrong stream is noticed, and whether a large one is too much for what has come by
    # then, depends on how it comes.
    digest = None if said else repr(b"".join(made))
    return Ran(digest)


def streams() -> list[bytes]:
    one = Deflated()
    return [one.pack(b"a1 NOOP\r\n"), Deflated().pack(b"a" * 10_000), Deflated().pack(b"x")]


@lru_cache(1)
def _tokens() -> Tokens:
    folder = Path(tempfile.mkdtemp(prefix="posthouse-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    key = {"kty": "RSA", "kid": "k", "n": "sXch" * 86, "e": "AQAB", "alg": "RS256"}
    (folder / "keys.json").write_text(json.dumps({"keys": [key]}))
    settings = Settings(
        "https://issuer.example", "posthouse", folder / "keys.json", "email", ("RS256", "ES256")
    )
    return Tokens(settings, lambda: 1e9)


def check_token(octets: bytes) -> object:
    """No text that nobody has signed is a token."""
    try:
        _tokens().check(octets.decode("latin-1"))
    except Refused as refusal:
        return type(refusal).__name__
    holds(False, "a token that nobody has signed")
    return None


def tokens() -> list[bytes]:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (
            {"alg": "RS256", "kid": "k"},
            {"iss": "https://issuer.example", "aud": "posthouse", "exp": 2e9, "email": "a@b"},
            {"alg": "none"},
        )
    ]
    return [
        b".".join([parts[0], parts[1], b"AAAA"]),
        b".".join([parts[2], parts[1], b""]),
        b"." * 40,
        b"{" * 40,
        b"e30.e30.e30",
    ]


OUTSIDE = (
    Target(
        "dns",
        replies,
        [b"\xc0\x0c", b"\0\x0f", b"\0\x01", b"\xff\xff"],
        partial(run, read_reply, ()),
        memory=300,
    ),
    Target(
        "deflate",
        streams,
        [b"\0\0\xff\xff", b"\x03\0", b"\xff" * 8],
        unpack,
        memory=400,
        memory_base=8_000_000,
        seconds=500e-6,
    ),
    Target(
        "tokens", tokens, [b".", b"e30", b"eyJ", b"="], partial(run, check_token, ()), memory=300
    ),
)
