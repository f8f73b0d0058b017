"""A content is compared with its checksum when a process reads it first."""

from __future__ import annotations

from base64 import b64encode
from random import Random

import pytest

from posthouse.store.contents import PLACES, Compared, ContentDamaged, Prepared, prepare

LETTER = b"Subject: a\r\n\r\nWhat was written.\r\n"
PACKED = b"Subject: c\r\n\r\n" + b"again\r\n" * 10_000
OTHER = b"Subject: b\r\n\r\nWhat was not.\r\n"


def whole(compared: Compared, content: int, prepared: Prepared, body: bytes | None = None) -> bytes:
    return compared.whole(
        content,
        b"Return-Path: <>\r\n",
        prepared.header,
        prepared.body if body is None else body,
        int(prepared.packed),
        prepared.checksum,
    )


def test_what_is_damaged_is_never_given_at_first() -> None:
    compared, prepared = Compared(), prepare(LETTER)
    for _ in range(2):
        with pytest.raises(ContentDamaged):
            whole(compared, 7, prepared, b"What was changed.\r\n")
    assert whole(compared, 7, prepared) == b"Return-Path: <>\r\n" + LETTER


def test_what_is_packed_is_compared_once() -> None:
    """Later it is unpacked alone, which finds what is no frame any more."""
    compared, prepared = Compared(), prepare(PACKED)
    assert prepared.packed
    other = prepare(PACKED.replace(b"again", b"other")).body
    with pytest.raises(ContentDamaged):
        whole(compared, 7, prepared, other)
    for _ in range(2):
        assert whole(compared, 7, prepared) == b"Return-Path: <>\r\n" + PACKED
    with pytest.raises(ContentDamaged):
        whole(compared, 7, prepared, b"no frame")


def test_what_packs_badly_is_kept_as_it_is() -> None:
    """Files in base64, when they are packed already."""
    chance = Random(1)
    letter = LETTER + b64encode(chance.randbytes(40_000))
    assert not prepare(letter).packed
    assert whole(Compared(), 7, prepare(letter)).endswith(letter)


def test_a_number_that_is_given_again_is_another_content() -> None:
    compared = Compared()
    whole(compared, 7, prepare(LETTER))
    with pytest.raises(ContentDamaged):
        whole(compared, 7, prepare(OTHER), prepare(LETTER).body)


def test_contents_of_one_place_are_told_apart() -> None:
    compared, prepared = Compared(), prepare(LETTER)
    whole(compared, 7, prepared)
    with pytest.raises(ContentDamaged):
        whole(compared, 7 + PLACES, prepared, b"What was changed.\r\n")


@pytest.mark.parametrize("letter", [LETTER, PACKED])
def test_columns_of_another_kind(letter: bytes) -> None:
    compared, prepared = Compared(), prepare(letter)
    assert whole(compared, 7, prepared).endswith(letter)
    for damaged in ("text", None, 7):
        with pytest.raises(ContentDamaged):
            compared.whole(
                7,
                b"",
                prepared.header,
                damaged,  # type: ignore[arg-type]
                int(prepared.packed),
                prepared.checksum,
            )
