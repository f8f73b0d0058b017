"""Names of mailboxes on the wire, and patterns of them."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.imap import utf7
from posthouse.protocols.imap.mailbox import from_wire
from posthouse.protocols.imap.patterns import Patterns

scalars = st.text(st.characters(exclude_categories=["Cs"]))


@given(scalars)
def test_a_name_comes_back_from_the_wire(name: str) -> None:
    wire = utf7.encode(name)
    assert utf7.decode(wire) == name
    assert all(0x20 <= octet <= 0x7E for octet in wire)


@given(st.one_of(st.binary(), st.text("&-AaQ+,/=é").map(lambda text: text.encode("latin-1"))))
def test_each_name_has_one_form_on_the_wire(wire: bytes) -> None:
    try:
        name = utf7.decode(wire)
    except ValueError:
        return
    assert utf7.encode(name) == wire


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 §5.1.3
        (b"Hello &- goodbye", "Hello & goodbye"),
        (b"&2D3eAA-", "\N{GRINNING FACE}"),
    ],
)
def test_names_of_the_rfc(wire: bytes, name: str) -> None:
    assert utf7.decode(wire) == name
    assert utf7.encode(name) == wire


@pytest.mark.parametrize(
    "wire",
    [
        b"&",
        b"&ZeVnLIqe",
        b"&Jjo!",  # RFC 3501 §5.1.3: no implicit shift
        b"&U,BTFw-&ZeVnLIqe-",  # the same: a superfluous shift
        b"&AGE-",  # "a" represents itself
        b"&2D0-",
        b"&3gDYPQ-",
        b"&AOR-",  # bits left over
        b"&A-",
        b"\xc3\xa4",
        b"a\0b",
        b"a\nb",
    ],
)
def test_what_is_not_modified_utf7(wire: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        utf7.decode(wire)


def reference(pattern: str, name: str) -> bool:
    """As a regular expression, which may take its time."""
    pieces = {"*": ".*", "%": "[^/]*"}
    expression = "".join(pieces.get(each) or re.escape(each) for each in pattern)
    return re.fullmatch(expression, name, re.DOTALL) is not None


@given(st.text("*%/ab", max_size=12), st.text("/ab", max_size=12))
def test_a_pattern_means_what_it_says(pattern: str, name: str) -> None:
    assert Patterns([pattern]).match(name) == reference(pattern, name)


@given(st.lists(st.text("*%/ab", max_size=6), max_size=6), st.text("/ab", max_size=8))
def test_patterns_mean_what_each_of_them_says(patterns: list[str], name: str) -> None:
    assert Patterns(patterns).match(name) == any(reference(each, name) for each in patterns)


@pytest.mark.parametrize("pattern", ["inbox", "InBo%", "*x", "%", "*", "i*o%"])
def test_inbox_matches_in_any_case(pattern: str) -> None:
    assert Patterns([pattern]).match("INBOX")
    assert not Patterns([pattern + "y"]).match("INBOX")


@pytest.mark.parametrize("name", ["ınbox", "ınbox/Sent"])
def test_what_looks_like_inbox_is_another_name(name: str) -> None:
    """RFC 3501 §5.1: of INBOX the case is ignored, which is that of ASCII; "ı" is no "I"."""
    assert from_wire(utf7.encode(name)) == name
    assert not Patterns([name]).match("INBOX")


@pytest.mark.parametrize(("wire", "name"), [(b"inBox", "INBOX"), (b"inbox/Sent", "INBOX/Sent")])
def test_inbox_is_the_same_in_any_case(wire: bytes, name: str) -> None:
    assert from_wire(wire) == name


def test_attack_16_the_worst_pattern_takes_no_longer() -> None:
    """Attack 16's kind: nothing is tried twice."""
    begun = time.process_time()
    for pattern in ("*a" * 500 + "b", "%a" * 500 + "b", "*a%" * 300 + "b", "*%" * 1000):
        Patterns([pattern]).match("a" * 1024 + "c")
        Patterns([pattern]).match("a" * 1024 + "b")
    assert time.process_time() - begun < 1


def test_attack_16_many_patterns_take_no_longer_than_one() -> None:
    """The same: a name is gone through once."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    patterns = Patterns([f"*{one}{two}*" for one in letters for two in letters])
    begun = time.process_time()
    for number in range(100):
        assert not patterns.match(f"{number}" * 500)
    assert patterns.match("0" * 1000 + "xy")
    assert time.process_time() - begun < 1
