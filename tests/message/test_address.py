"""Paths and addresses of the envelope (RFC 5321 §4.1.2, §4.1.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.address import (
    Address,
    Path,
    canonical,
    parse_domain,
    parse_mailbox,
    parse_path,
    split_subaddress,
)

GOOD = [
    ("<user@example.org>", Address("user", "example.org")),
    ("<User.Name+tag@EXAMPLE.Org>", Address("User.Name+tag", "example.org")),
    ("<@a.example,@b.example:user@c.example>", Address("user", "c.example")),
    ('<"a b"@example.org>', Address("a b", "example.org")),
    ('<"user"@example.org>', Address("user", "example.org")),
    ('<"u\\s\\"er"@example.org>', Address('us"er', "example.org")),
    ('<"a@b>"@example.org>', Address("a@b>", "example.org")),
    ('<""@example.org>', Address("", "example.org")),
    ("<user@[192.0.2.1]>", Address("user", "[192.0.2.1]")),
    ("<user@[192.000.002.001]>", Address("user", "[192.0.2.1]")),
    ("<user@[IPv6:2001:DB8::1]>", Address("user", "[IPv6:2001:db8::1]")),
    ("<user@[ipv6:::ffff:192.0.2.1]>", Address("user", "[IPv6:::ffff:c000:201]")),
    ("<Postmaster>", Address("Postmaster", "")),
    ("<postMASTER>", Address("postMASTER", "")),
    ("<user@xn--bcher-kva.example>", Address("user", "xn--bcher-kva.example")),
    ("<!#$%&'*+-/=?^_`{|}~@x>", Address("!#$%&'*+-/=?^_`{|}~", "x")),
    (f"<{'a' * 64}@example.org>", Address("a" * 64, "example.org")),
]

BAD = [
    "",
    "<",
    ">",
    "user@example.org",
    "<user>",
    "<user@>",
    "<@example.org>",
    "<@a.example:>",
    "<@a.example user@b.example>",
    "<@a.example,:user@b.example>",
    "<us er@example.org>",
    "<.user@example.org>",
    "<user.@example.org>",
    "<us..er@example.org>",
    "<user@example..org>",
    "<user@example.org.>",
    "<user@-example.org>",
    "<user@example-.org>",
    "<user@exa_mple.org>",
    "<user@[192.0.2.256]>",
    "<user@[192.0.2]>",
    "<user@[IPv6:2001:db8:::1]>",
    "<user@[IPv6:fe80::1%eth0]>",
    "<user@[2001:db8::1]>",
    "<user@[x-other:abc]>",
    "<user@[]>",
    '<"user@example.org>',
    '<us"er@example.org>',
    '<"us\ner"@example.org>',
    "<user@example.org\r\n>",
    "<user@example.org\n>",
    "<us\0er@example.org>",
    "<usér@example.org>",
    "<us\ud800er@example.org>",
    "<user@bücher.example>",
    f"<{'a' * 65}@example.org>",
    f"<a@{'b' * 64}.example>",
    f"<a@{'b.' * 130}example>",
    "<<user@example.org>>",
    "<user@example.org> ",
]


@pytest.mark.parametrize(("text", "address"), GOOD)
def test_path_is_read(text: str, address: Address) -> None:
    assert parse_path(text) == Path(address)


@pytest.mark.parametrize("text", BAD)
def test_path_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]{2}"):
        parse_path(text)


def test_null_path() -> None:
    path = parse_path("<>")
    assert path.address is None
    assert str(path) == "<>"


def test_quoting_is_the_least_that_is_needed() -> None:
    assert str(parse_path('<"user"@EXAMPLE.org>')) == "<user@example.org>"
    assert str(Address('a "b" \\c', "x")) == '"a \\"b\\" \\\\c"@x'
    assert str(Address("", "x")) == '""@x'


def test_smtputf8() -> None:
    path = parse_path("<usér@bücher.example>", smtputf8=True)
    assert path.address == Address("usér", "xn--bcher-kva.example")


def test_domain_of_ehlo() -> None:
    assert parse_domain("MX.Example.org") == "mx.example.org"
    assert parse_domain("[127.0.0.1]") == "[127.0.0.1]"
    for bad in ("", "a b", "[x", "a..b", "mail.example.org\n"):
        with pytest.raises(ValueError, match="well-formed"):
            parse_domain(bad)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("User@Example.ORG", "user@example.org"),
        ('"User"@example.org', "user@example.org"),
        ("ＵＳＥＲ@example.org", "user@example.org"),
        ("Jose\u0301@bücher.example", "josé@xn--bcher-kva.example"),
        ("\u212bngstrom@x.example", "ångstrom@x.example"),
    ],
)
def test_canonical_form(written: str, form: str) -> None:
    assert canonical(written) == form
    assert canonical(form) == form


def test_subaddress() -> None:
    assert split_subaddress("user+lists+x") == ("user", "lists+x")
    assert split_subaddress("user") == ("user", None)
    assert split_subaddress("+x") == ("+x", None)
    assert split_subaddress("user-x", "-") == ("user", "x")
    assert split_subaddress("user+x", "") == ("user+x", None)


local_parts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
domains = st.from_regex(r"[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){0,3}", fullmatch=True)


@given(local_parts, domains)
def test_what_is_written_is_read_again(local_part: str, domain: str) -> None:
    address = Address(local_part, domain)
    assert parse_path(str(Path(address))) == Path(address)
    assert parse_mailbox(str(address)) == address


@given(st.text(max_size=60), st.booleans())
def test_nothing_but_value_errors(text: str, smtputf8: bool) -> None:
    for candidate in (text, f"<{text}>", f"<a@{text}>", f"<{text}@b>", f"<a@[{text}]>"):
        try:
            path = parse_path(candidate, smtputf8=smtputf8)
        except ValueError:
            continue
        assert parse_path(str(path), smtputf8=smtputf8) == path
        assert "\n" not in str(path)
        assert "\r" not in str(path)


@given(st.text(min_size=1, max_size=20))
def test_canonical_form_is_stable(local_part: str) -> None:
    try:
        form = canonical(Address(local_part, "example.org"))
        again = canonical(form)
    except ValueError:
        return
    assert again == form
