"""Address lists of header fields (RFC 5322 §3.4, §4.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.addresses import (
    ADDRESS_LIMIT,
    GROUP_END,
    TOKEN_LIMIT,
    Entry,
    parse_address_list,
)


def entry(name: bytes | None, mailbox: bytes, host: bytes, route: bytes | None = None) -> Entry:
    return Entry(name, route, mailbox, host)


def group(name: bytes) -> Entry:
    return Entry(None, None, name, None)


CASES = [
    (b"", []),
    (b"  \r\n ", []),
    (b",,, ,", []),
    (b"a@b.example", [entry(None, b"a", b"b.example")]),
    (b"A B <a@b>", [entry(b"A B", b"a", b"b")]),
    (b'"B, A" <a@b>, c@d', [entry(b"B, A", b"a", b"b"), entry(None, b"c", b"d")]),
    (b'"q \\"x\\"" <a@b>', [entry(b'q "x"', b"a", b"b")]),
    (b"a@b (Some One)", [entry(b"Some One", b"a", b"b")]),
    (b"(c (nested) d) a@b", [entry(b"c (nested) d", b"a", b"b")]),
    (b"John Q. Public <a@b>", [entry(b"John Q. Public", b"a", b"b")]),
    (b"<@x,@y:a@b>", [entry(None, b"a", b"b", b"@x,@y")]),
    (b"a . b @ c . d", [entry(None, b"a.b", b"c.d")]),
    (b'"a b"@c', [entry(None, b'"a b"', b"c")]),
    (b'"ab"@c', [entry(None, b"ab", b"c")]),
    (b"a@[192.0.2.1]", [entry(None, b"a", b"[192.0.2.1]")]),
    (b"undisclosed-recipients:;", [group(b"undisclosed-recipients"), GROUP_END]),
    (
        b"A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;",
        [
            group(b"A Group"),
            entry(b"Ed Jones", b"joe", b"where.test"),
            entry(None, b"joe", b"where.test"),
            entry(b"John", b"jdoe", b"one.test"),
            GROUP_END,
        ],
    ),
    (b"g: a@b", [group(b"g"), entry(None, b"a", b"b"), GROUP_END]),
    (b"=?utf-8?q?caf=C3=A9?= <a@b>", [entry(b"=?utf-8?q?caf=C3=A9?=", b"a", b"b")]),
    (b"\xc3\xa9 <\xc3\xa9@b>", [entry(b"\xc3\xa9", b"\xc3\xa9", b"b")]),
    (b"nobody", [entry(None, b"nobody", b"")]),
    (b"Name <>", [entry(b"Name", b"", b"")]),
    (b"Name <a@b", [entry(b"Name", b"a", b"b")]),
    (b"a@b\r\n , c@d", [entry(None, b"a", b"b"), entry(None, b"c", b"d")]),
    # RFC 5322 appendix A.5
    (
        b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
        [entry(b"Pete", b"pete", b"silly.test")],
    ),
    # appendix A.6.1
    (
        b"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
        [
            entry(b"Mary Smith", b"mary", b"example.net", b"@node.test"),
            entry(None, b"jdoe", b"test.example"),
        ],
    ),
]


@pytest.mark.parametrize(("value", "entries"), CASES)
def test_list_is_read(value: bytes, entries: list[Entry]) -> None:
    assert parse_address_list(value) == entries


def test_number_of_addresses_is_limited() -> None:
    many = b", ".join(b"a%d@b" % number for number in range(3 * ADDRESS_LIMIT))
    assert len(parse_address_list(many)) == ADDRESS_LIMIT
    assert len(parse_address_list(b"g: " + many)) == ADDRESS_LIMIT + 1


def test_attack_37_what_is_read_a_token_at_a_time_has_a_bound() -> None:
    slow = b"(c) a b. <a@b>, "
    assert len(parse_address_list(slow * 1500)) == 1500
    (entry,) = parse_address_list(b"a " * 100_000)
    assert len(entry.mailbox or b"") < 2 * TOKEN_LIMIT


pieces = st.sampled_from(
    [bytes([n]) for n in b'a.@<>:;,"()[]\\ \r\n\x00\xff'] + [b"a@b", b"x <c@d>"]
)


@given(st.lists(pieces, max_size=40).map(b"".join))
def test_any_octets_and_groups_are_closed(value: bytes) -> None:
    depth = 0
    for one in parse_address_list(value):
        if one == GROUP_END:
            depth -= 1
        elif one.host is None:
            depth += 1
        assert depth in (0, 1)
    assert depth == 0


atoms = st.from_regex(rb"[a-z0-9]{1,8}", fullmatch=True)


@given(st.lists(st.tuples(atoms, atoms, atoms), max_size=20))
def test_the_short_way_and_the_long_one_agree(addresses: list[tuple[bytes, bytes, bytes]]) -> None:
    plain = b", ".join(b"%b <%b@%b>" % address for address in addresses)
    commented = b", ".join(b"%b () <%b@%b>" % address for address in addresses)
    assert parse_address_list(plain) == parse_address_list(commented)
