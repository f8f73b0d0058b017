"""Transfer encodings undone piece by piece come out as undone at once."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.binary import without_binary
from posthouse.message.downgrade import Unconvertible
from posthouse.message.encodings import decode_base64, decode_quoted_printable
from posthouse.message.structure import parse
from posthouse.message.transfer import KNOWN, LINE, Decoder

SIZE = st.integers(1, 90)


def pieces(octets: bytes, encoding: bytes, size: int) -> bytes:
    decoder = Decoder(encoding)
    cut = [octets[at : at + size] for at in range(0, len(octets), size)]
    return b"".join(map(decoder.take, cut)) + decoder.end()


@given(st.binary(max_size=500), SIZE)
def test_what_was_encoded_comes_back(octets: bytes, size: int) -> None:
    assert pieces(base64.encodebytes(octets), b"BASE64", size) == octets
    quoted = binascii.b2a_qp(octets.replace(b"\r", b"").replace(b"\n", b""))
    assert pieces(quoted, b"QUOTED-PRINTABLE", size) == decode_quoted_printable(quoted)


@given(st.sampled_from(sorted(KNOWN)), st.binary(max_size=300), st.integers(1, 50))
def test_anything_can_be_decoded(encoding: bytes, octets: bytes, size: int) -> None:
    assert len(pieces(octets, encoding, size)) <= len(octets)


@given(st.lists(st.sampled_from([b"QUJD", b"QQ==", b"QQ", b"Q", b"=", b"\r\n", b"*"])), SIZE)
def test_base64_in_any_pieces_is_what_it_is_as_a_whole(parts: list[bytes], size: int) -> None:
    """Also where it goes on after its end: encoded pieces, put one after the other."""
    octets = b"".join(parts)
    assert pieces(octets, b"BASE64", size) == decode_base64(octets)


QUOTED = st.sampled_from([b"=41", b"=", b"==", b"=4", b" ", b"\t", b"=\r\n", b"x", b"\r\n", b"4"])


@given(st.lists(QUOTED), st.lists(QUOTED), st.sampled_from([0, LINE - 3, LINE + 5]), SIZE)
def test_quoted_printable_in_any_pieces_is_what_it_is_as_a_whole(
    before: list[bytes], after: list[bytes], between: int, size: int
) -> None:
    octets = b"".join(before) + b"y" * between + b"".join(after)
    size = max(size, between // 3)
    assert pieces(octets, b"QUOTED-PRINTABLE", size) == decode_quoted_printable(octets)


@pytest.mark.parametrize("word", [b"x=41", b"xyz", b"====", b"   ", b"=  "])
def test_a_line_without_end_is_not_gathered(word: bytes) -> None:
    decoder = Decoder(b"QUOTED-PRINTABLE")
    block = word * 16384
    for _ in range(4):
        assert len(decoder.take(block)) > 8000


def test_white_space_within_a_long_line_stays() -> None:
    octets = b"a =41" + b"b" * 2 * LINE
    assert pieces(octets, b"QUOTED-PRINTABLE", LINE + 10) == b"a A" + b"b" * 2 * LINE


def test_binary_parts_become_base64() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"--b\r\nContent-Transfer-Encoding: binary\r\nX: y\r\n\r\na\0\nb\r\n"
        b"--b\r\nX: z\r\n\r\nas it was\r\n--b--\r\n"
    )
    encoded = without_binary(content)
    first, second = parse(encoded).children
    assert (first.encoding.upper(), second.encoding) == (b"BASE64", b"7BIT")
    assert decode_base64(encoded[first.body_start : first.end]) == b"a\0\nb"
    assert b"\r\nX: z\r\n\r\nas it was\r\n--b--\r\n" in encoded


def test_what_is_signed_is_not_changed() -> None:
    content = (
        b"Content-Type: multipart/signed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"--b\r\n\r\nx\r\n--b--\r\n"
    )
    with pytest.raises(Unconvertible):
        without_binary(content)
