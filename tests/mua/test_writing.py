"""A letter as a person gives it at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.message.header import Header
from posthouse.message.structure import parse
from posthouse.mua.writing import address_of, attached, in_header, write


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("bob@b.example", "bob@b.example"),
        ("Bob B. <bob@B.Example>", "bob@b.example"),
        ('"a b"@b.example', '"a b"@b.example'),
        (r'"a\"b"@b.example', r'"a\"b"@b.example'),
        ('"bob"@b.example', "bob@b.example"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("jürgen@b.example", "jürgen@b.example"),
        ("postmaster@[192.0.2.1]", "postmaster@[192.0.2.1]"),
    ],
)
def test_the_envelope_has_the_address_alone(text: str, address: str) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "bob", "a@b.example, c@d.example", "bob@", "@b.example", "bob@-.example"],
)
def test_what_is_not_one_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|domain|local part"):
        address_of(text)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("Bob <bob@b.example>", b"Bob <bob@b.example>"),
        ("bob@bücher.example", b"bob@xn--bcher-kva.example"),
        ("Bob <bob@bücher.example>", b'"Bob" <bob@xn--bcher-kva.example>'),
        ("Jürgen, B. <j@b.example>", None),
        ('"Jürgen, B." <j@b.example>', b"=?utf-8?q?J=C3=BCrgen=2C_B=2E?= <j@b.example>"),
    ],
)
def test_the_header_is_ascii(text: str, field: bytes | None) -> None:
    if field is None:
        with pytest.raises(ValueError, match="one address"):
            in_header(text)
        return
    content = write("ann@a.example", [text], [], "hi", "text\n", [])
    assert content.isascii()
    assert Header.of(content).get(b"to") == field


@pytest.mark.parametrize(
    ("name", "octets", "kind", "parameters"),
    [
        ("a.pdf", b"%PDF", "APPLICATION/PDF", {}),
        ("a.txt", b"plain", "TEXT/PLAIN", {b"charset": b"utf-8"}),
        ("a.txt", "grün".encode(), "TEXT/PLAIN", {b"charset": b"utf-8"}),
        ("a.txt", "grün".encode("latin-1"), "APPLICATION/OCTET-STREAM", {}),
        ("a.eml", b"Subject: x\r\n\r\nhi\r\n", "APPLICATION/OCTET-STREAM", {}),
        ("a.tar.gz", b"\x1f\x8b", "APPLICATION/GZIP", {}),
        ("a.csv.bz2", b"BZh", "APPLICATION/OCTET-STREAM", {}),
        ("nothing", b"x", "APPLICATION/OCTET-STREAM", {}),
    ],
)
def test_a_file_is_said_to_be_what_it_is(
    name: str, octets: bytes, kind: str, parameters: dict[bytes, bytes], tmp_path: Path
) -> None:
    """RFC 2045 §6.4: a message is never in base64."""
    file = tmp_path / name
    file.write_bytes(octets)
    assert attached(file).name == name
    _, part = parse(write("ann@a.example", ["b@b.example"], [], "hi", "text", [file])).children
    assert (part.type + b"/" + part.subtype).upper().decode() == kind
    assert part.encoding == b"base64"
    assert dict(part.parameters) == parameters
