"""PLAIN and LOGIN by themselves."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.dialogue import Dialogue, read_line, show
from posthouse.protocols.engine import Engine
from posthouse.protocols.sasl import BY_PASSWORD, MECHANISMS
from posthouse.protocols.sasl.exchange import authenticate, decode, encode
from posthouse.protocols.sasl.mechanism import (
    Accepted,
    Challenge,
    Credentials,
    Malformed,
    Offer,
    Password,
)

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def asked(name: str, *responses: bytes) -> object:
    """The question that a mechanism asks the agent after these responses."""
    exchange = MECHANISMS[name].serve(Offer())
    step: object = next(exchange)
    for response in responses:
        assert isinstance(step, Challenge)
        step = exchange.send(response)
    return step


@given(words, words, words | st.just(""))
def test_plain_divides_at_nul(user: str, password: str, identity: str) -> None:
    response = f"{identity}\0{user}\0{password}".encode()
    assert asked("PLAIN", response) == Password(user, password, identity)


@given(words, words)
def test_login_asks_for_both(user: str, password: str) -> None:
    assert asked("LOGIN", user.encode(), password.encode()) == Password(user, password)


@pytest.mark.parametrize("name", BY_PASSWORD)
@given(words, words)
def test_the_clients_side_says_what_the_servers_side_asks(
    name: str, user: str, password: str
) -> None:
    exchange = MECHANISMS[name].serve(Offer())
    client = MECHANISMS[name].respond
    assert client is not None
    responses = client(Credentials(user, password))
    first = next(responses)
    step: object = next(exchange)
    while isinstance(step, Challenge):
        response = first if first is not None else responses.send(step.octets)
        assert response is not None
        step, first = exchange.send(response), None
    assert step == Password(user, password)


@pytest.mark.parametrize(
    "response", [b"", b"a", b"\0a", b"\0\0a", b"\0a\0", b"a\0b\0c\0d", b"\0\xff\0a"]
)
def test_malformed_plain_is_refused(response: bytes) -> None:
    with pytest.raises(Malformed):
        asked("PLAIN", response)


@pytest.mark.parametrize("responses", [(b"", b"a"), (b"a", b""), (b"\xff", b"a"), (b"a\0", b"a")])
def test_malformed_login_is_refused(responses: tuple[bytes, bytes]) -> None:
    with pytest.raises(Malformed):
        asked("LOGIN", *responses)


@given(st.binary())
def test_base64_there_and_back(octets: bytes) -> None:
    assert decode(encode(octets)) == octets


@given(st.text("ABab01+/= \r\n*", max_size=12).map(str.encode) | st.binary(max_size=8))
def test_base64_has_one_form(text: bytes) -> None:
    try:
        octets = decode(text)
    except Malformed:
        return
    assert b64encode(octets) == text


def test_the_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Password("ann", "hunter2"))


@given(words, words, st.booleans())
def test_an_exchange_with_and_without_initial_response(
    user: str, password: str, initial: bool
) -> None:
    response = f"\0{user}\0{password}".encode()

    def respond(challenge: bytes) -> Dialogue[bytes]:
        assert challenge == b""
        return decode((yield from read_line()))

    def dialogue() -> Dialogue[None]:
        first = response if initial else None
        yield from show((yield from authenticate(Offer(), MECHANISMS["PLAIN"], first, respond)))

    engine = Engine(dialogue())
    engine.receive(encode(response) + b"\r\n")
    assert engine.next_event() == Password(user, password)
    engine.answer(Accepted(user))
    assert engine.next_event() == Accepted(user)
