"""A content is compared with its checksum when a process reads it first."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.store.contents import PLACES, Compared, ContentDamaged, Prepared, prepare, zstd

LETTER = b"Subject: a\r\n\r\nWhat was written.\r\n"
LONG = b"Subject: c\r\n\r\n" + b"again\r\n" * 7_000
OTHER = b"Subject: b\r\n\r\nWhat was not.\r\n"


def whole(
    compared: Compared,
    content: int,
    prepared: Prepared,
    body: bytes | None = None,
    packed: bool = False,
) -> bytes:
    """As a row has it, its body perhaps another one or a zstd frame."""
    return compared.whole(
        content,
        b"Return-Path: <>\r\n",
        prepared.header,
        prepared.body if body is None else body,
        int(packed),
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
    compared, prepared = Compared(), prepare(LONG)
    frame = zstd.compress(prepared.body)
    other = zstd.compress(prepared.body.replace(b"again", b"other"))
    with pytest.raises(ContentDamaged):
        whole(compared, 7, prepared, other, packed=True)
    for _ in range(2):
        octets = whole(compared, 7, prepared, frame, packed=True)
        assert octets == b"Return-Path: <>\r\n" + LONG
    with pytest.raises(ContentDamaged):
        whole(compared, 7, prepared, b"no frame", packed=True)


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


@pytest.mark.parametrize("packed", [0, 1])
@pytest.mark.parametrize("damaged", ["text", None, 7])
def test_columns_of_another_kind(packed: int, damaged: Any) -> None:
    compared, prepared = Compared(), prepare(LETTER)
    with pytest.raises(ContentDamaged):
        compared.whole(7, b"", prepared.header, damaged, packed, prepared.checksum)
    assert whole(compared, 7, prepared).endswith(LETTER)
    with pytest.raises(ContentDamaged):
        compared.whole(7, b"", prepared.header, damaged, packed, prepared.checksum)
