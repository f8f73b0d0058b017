"""SCRAM, the client's side: with the server's, and with servers that lie."""

from __future__ import annotations

import hashlib
import hmac
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.sasl import BY_CLIENTS, MECHANISMS
from posthouse.protocols.sasl.mechanism import (
    Accepted,
    Challenge,
    Claim,
    Credentials,
    Denied,
    Keys,
    Malformed,
    Offer,
    Responses,
    SaltedPassword,
    ScramKeys,
)
from posthouse.protocols.sasl.scram import ITERATIONS, _prepared, salted_password

from .test_scram import EXAMPLES

NONCES = {"SHA-1": "fyko+d2lbbFgONRv9qkxdawL", "SHA-256": "rOprNGfwEbeRWgbNEkqO"}
SALT = b"a salt"
OF_A_NAME = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
names = st.text(OF_A_NAME, min_size=1, max_size=20)


class Client:
    """The client's side, with an agent that salts its password."""

    def __init__(self, name: str, credentials: Credentials) -> None:
        respond = MECHANISMS[name].respond
        assert respond is not None
        self.responses: Responses = respond(credentials)
        self.first = next(self.responses)

    def send(self, challenge: bytes) -> object:
        said = self.responses.send(challenge)
        while isinstance(said, SaltedPassword):
            said = self.responses.send(salted_password(said))
        return said


@pytest.mark.parametrize("hash_", sorted(NONCES))
def test_the_examples_of_the_rfcs(hash_: str) -> None:
    """RFC 5802 §5, RFC 7677 §3"""
    first, server_first, final, server_final = (text.encode() for text in EXAMPLES[hash_])
    client = Client(f"SCRAM-{hash_}", Credentials("user", "pencil", nonce=NONCES[hash_]))
    assert client.first == first
    assert client.send(server_first) == final
    assert client.send(server_final) == b""
    with pytest.raises(StopIteration):
        client.send(b"")


def talk(server_knows: str, credentials: Credentials, hash_: str) -> tuple[object, bool]:
    """What the server says of the log-in, and whether the client has come to its end."""
    name = f"SCRAM-{hash_}"
    digest = hash_.replace("-", "").lower()
    client, exchange = Client(name, credentials), MECHANISMS[name].serve(Offer())
    step, said, first = next(exchange), cast("object", client.first), True
    try:
        while True:
            if isinstance(step, Challenge):
                if not first:
                    said = client.send(step.octets)
                first = False
                step = exchange.send(said)
            elif isinstance(step, ScramKeys):
                assert step.user == credentials.user
                password = _prepared(server_knows)
                salted = hashlib.pbkdf2_hmac(digest, password, SALT, ITERATIONS.start)
                server_key = hmac.digest(salted, b"Server Key", digest)
                stored = hashlib.new(digest, hmac.digest(salted, b"Client Key", digest)).digest()
                step = exchange.send(Keys(SALT, ITERATIONS.start, stored, server_key, "server"))
            else:
                assert isinstance(step, Claim)
                who = Accepted(step.identity or step.user)
                step = exchange.send(who if step.proved else Denied())
    except StopIteration as end:
        return end.value, said == b""


@given(names, st.just("") | names, names, st.sampled_from(sorted(NONCES)))
def test_any_name_and_password(user: str, identity: str, password: str, hash_: str) -> None:
    credentials = Credentials(user, password, identity, "client")
    assert talk(password, credentials, hash_) == (Accepted(identity or user), True)


def test_a_wrong_password_is_denied() -> None:
    assert talk("pencil", Credentials("user", "pen", nonce="x"), "SHA-256") == (Denied(), False)


FIRST, FINAL = EXAMPLES["SHA-256"][1], EXAMPLES["SHA-256"][3]
NONCE = NONCES["SHA-256"]


@pytest.mark.parametrize(
    "server_first",
    [
        "",
        "v=abc",
        FIRST.replace(NONCE, "another"),
        f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        FIRST.replace("4096", "4095"),
        FIRST.replace("4096", "1000000000"),
        FIRST.replace("4096", "99999999999"),
        FIRST.replace("4096", "-4096"),
        FIRST.replace("W22", "*22"),
        FIRST.replace("s=W22ZaJ0SNY7soEsUEjb6gQ==", "s=W22"),
        f"m=x,{FIRST}",
        FIRST + "\0",
        FIRST + ",x=" + "y" * 5000,
    ],
)
def test_a_server_that_makes_no_sense(server_first: str) -> None:
    client = Client("SCRAM-SHA-256", Credentials("user", "pencil", nonce=NONCE))
    with pytest.raises(Malformed):
        client.send(server_first.encode())


@given(st.integers(0, 1000), st.integers(1, 255))
def test_attack_30_a_proof_with_any_octet_changed(at: int, change: int) -> None:
    client = Client("SCRAM-SHA-256", Credentials("user", "pencil", nonce=NONCE))
    client.send(FIRST.encode())
    proof = bytearray(FINAL.encode())
    proof[at % len(proof)] ^= change
    with pytest.raises(Malformed):
        client.send(bytes(proof))


@given(st.binary(max_size=80) | st.text("rsiv=,+/abc0123", max_size=60).map(str.encode))
def test_whatever_a_server_says(challenge: bytes) -> None:
    for mechanism in BY_CLIENTS:
        client = Client(mechanism.name, Credentials("user", "pencil", nonce=NONCE))
        try:
            for _ in range(4):
                client.send(challenge)
        except (Malformed, StopIteration):
            continue
        raise AssertionError(f"{mechanism.name} does not end")


def test_without_a_nonce_there_is_no_beginning() -> None:
    with pytest.raises(Malformed):
        Client("SCRAM-SHA-256", Credentials("user", "pencil"))
