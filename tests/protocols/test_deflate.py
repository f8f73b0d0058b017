"""Compressed connections: the same dialogue, packed; and what is no use to unpack."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.deflate import BLOCK, FREE, RATIO, Bomb, Deflated
from posthouse.protocols.dialogue import (
    Dialogue,
    Interrupted,
    read_line,
    read_octets,
    send,
    start_compress,
)
from posthouse.protocols.engine import Engine


def packer() -> zlib._Compress:
    return zlib.compressobj(9, zlib.DEFLATED, -15)


def packed(octets: bytes) -> bytes:
    work = packer()
    return work.compress(octets) + work.flush(zlib.Z_SYNC_FLUSH)


def echo() -> Dialogue[None]:
    """Lines come back; the first one begins the compression."""
    yield from send((yield from read_line()) + b"\r\n")
    yield from start_compress()
    while True:
        yield from send((yield from read_line()) + b"\r\n")


def swallow() -> Dialogue[None]:
    yield from start_compress()
    try:
        while True:
            yield from read_octets(1024)
    except Interrupted as interrupted:
        yield from send(interrupted.reason.value.encode())


@given(st.lists(st.binary(max_size=200), max_size=20), st.integers(1, 50))
def test_lines_come_back(texts: list[bytes], piece: int) -> None:
    lines = b"".join(text.replace(b"\r\n", b"") + b"\r\n" for text in texts)
    engine = Engine(echo())
    engine.receive(b"go\r\n")
    assert engine.next_event() is None
    assert engine.send() == b"go\r\n"
    octets, got = packed(lines), b""
    for start in range(0, len(octets), piece):
        engine.receive(octets[start : start + piece])
        assert engine.next_event() is None
        got += engine.send()
    assert zlib.decompressobj(-15).decompress(got) == lines


def test_what_is_not_compressed_goes_first() -> None:
    engine = Engine(echo())
    engine.receive(b"go\r\n" + packed(b"on\r\n"))
    assert engine.next_event() is None
    sent = engine.send()
    assert sent.startswith(b"go\r\n")
    assert zlib.decompressobj(-15).decompress(sent[4:]) == b"on\r\n"


@pytest.mark.parametrize("octets", [b"no deflate at all", packed(b"x") + b"\x03\x00"])
def test_what_cannot_be_unpacked_is_the_end(octets: bytes) -> None:
    engine = Engine(swallow())
    assert engine.next_event() is None
    engine.receive(octets)
    assert engine.next_event() is None
    assert engine.over


def test_attack_19_a_bomb_is_not_unpacked() -> None:
    bomb = packed(bytes(64 * FREE))
    engine = Engine(swallow())
    assert engine.next_event() is None
    engine.receive(bomb)
    assert engine.next_event() is None
    assert engine.over
    assert engine.buffered < len(bomb)


def test_attack_19_no_more_than_a_block_is_unpacked_at_once() -> None:
    deflated = Deflated()
    deflated.take(packed(bytes(FREE)))
    assert len(deflated.unpack()) == BLOCK
    deflated.take(packed(bytes(2 * FREE * RATIO)))

    def all_of_it() -> None:
        while deflated.unpack():
            pass

    with pytest.raises(Bomb):
        all_of_it()
