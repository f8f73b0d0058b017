"""SCRAM by itself: the examples of the RFCs, and whatever a client may say."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import new, pbkdf2_hmac
from hmac import digest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.dialogue import TLS
from posthouse.protocols.sasl import MECHANISMS
from posthouse.protocols.sasl.mechanism import (
    Accepted,
    Challenge,
    Claim,
    Denied,
    Keys,
    Malformed,
    Offer,
    ScramKeys,
)

from .client import ScramClient
from .stage import PASSWORD, SALTS, answer

CHANNEL = b"a digest of the certificate"
TO_BIND = TLS("TLSv1.3", "x", end_point=CHANNEL)

EXAMPLES = {
    "SHA-1": (
        "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "SHA-256": (
        "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        (
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        ),
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


def converse(name: str, offer: Offer, responses: Iterable[bytes]) -> tuple[list[bytes], object]:
    """The challenges of an exchange, and what comes of it; Malformed may be raised."""
    challenges: list[bytes] = []
    left = iter(responses)
    exchange = MECHANISMS[name].serve(offer)
    step: object = next(exchange)
    try:
        while True:
            if isinstance(step, Challenge):
                challenges.append(step.octets)
                step = exchange.send(next(left))
            else:
                step = exchange.send(answer(step, None))
    except StopIteration as end:
        return challenges, end.value


def converse_with(name: str, offer: Offer, client: ScramClient) -> object:
    exchange = MECHANISMS[name].serve(offer)
    step: object = next(exchange)
    try:
        while True:
            reply = client.respond(step.octets) if isinstance(step, Challenge) else known(step)
            step = exchange.send(reply)
    except StopIteration as end:
        result: object = end.value
    return result


def known(question: object) -> object:
    """Everybody has the password `pencil`, and cheap keys."""
    if isinstance(question, Claim):
        return Accepted(question.identity or question.user) if question.proved else Denied()
    assert isinstance(question, ScramKeys)
    hash_ = question.hash.replace("-", "").lower()
    salted = pbkdf2_hmac(hash_, PASSWORD, b"salt", 1)
    stored = new(hash_, digest(salted, b"Client Key", hash_)).digest()
    return Keys(b"salt", 1, stored, digest(salted, b"Server Key", hash_), "nonce")


@pytest.mark.parametrize("hash_", SALTS)
def test_the_examples_of_the_rfcs(hash_: str) -> None:
    """RFC 5802 §5, RFC 7677 §3"""
    first, server_first, final, server_final = EXAMPLES[hash_]
    responses = [first.encode(), final.encode(), b""]
    challenges, outcome = converse(f"SCRAM-{hash_}", Offer(), responses)
    assert challenges == [b"", server_first.encode(), server_final.encode()]
    assert outcome == Accepted("user")


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(names, st.just("") | names, st.sampled_from(sorted(SALTS)), st.booleans())
def test_any_name(user: str, identity: str, hash_: str, plus: bool) -> None:
    name = f"SCRAM-{hash_}{'-PLUS' if plus else ''}"
    flag, binding = ("p=tls-server-end-point", CHANNEL) if plus else ("n", b"")
    client = ScramClient(
        hash_, user, PASSWORD.decode(), identity=identity, flag=flag, binding=binding
    )
    assert converse_with(name, Offer(MECHANISMS, TO_BIND), client) == Accepted(identity or user)
    assert client.verified


@given(st.integers(0, 10**6), st.integers(1, 255), st.sampled_from([0, 1]))
def test_attack_30_no_octet_can_be_changed(at: int, change: int, which: int) -> None:
    """Whoever sits between cannot change what the client says and have it let in."""
    client = ScramClient(
        "SHA-256", "user", "pencil", flag="p=tls-server-end-point", binding=CHANNEL
    )

    class Between(ScramClient):
        said = 0

        def respond(self, challenge: bytes) -> bytes:
            octets = bytearray(client.respond(challenge))
            if self.said == which:
                octets[at % len(octets)] ^= change
            self.said += 1
            return bytes(octets)

    between = Between("SHA-256", "", "")
    try:
        outcome = converse_with("SCRAM-SHA-256-PLUS", Offer(MECHANISMS, TO_BIND), between)
    except Malformed:
        return
    except (AssertionError, ValueError):  # the client sees that the server is another
        return
    assert outcome == Denied()


@given(st.lists(st.binary(max_size=60) | st.text("nypr=,acms0+/", max_size=40).map(str.encode)))
def test_whatever_is_said_is_refused(responses: list[bytes]) -> None:
    for name in ("SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"):
        try:
            _, outcome = converse(name, Offer(MECHANISMS, TO_BIND), [*responses, b"", b"", b""])
        except Malformed:
            continue
        assert outcome == Denied()


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"n,,",
        b"n,,n=,r=x",
        b"n,,n=a,r=",
        b"n,,n=a,r=x,",
        b"n,,m=x,n=a,r=x",
        b"n,a=,n=a,r=x",
        b"n,,n=a=2,r=x",
        b"n,,n=a=,r=x",
        b"n,,n=a\0,r=x",
        b"n,,n=a,r=x y",
        b"x,,n=a,r=x",
        b"p=tls-unique,,n=a,r=x",
        b"n,,n=\xff,r=x",
        b"n,,n=a,r=" + b"x" * 5000,
    ],
)
def test_a_malformed_beginning(first: bytes) -> None:
    with pytest.raises(Malformed):
        converse("SCRAM-SHA-256", Offer(), [first])
