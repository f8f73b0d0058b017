"""A connection whose both directions are compressed by DEFLATE (RFC 1951), for RFC 4978."""

from __future__ import annotations

import zlib

BLOCK = 64 * 1024  # octets that are unpacked at once
FREE = 1024 * 1024  # octets that a peer may send in any form
RATIO = 100  # octets in for an octet received, beyond those; real mail has 3 to 20

#: 2^13 octets of history and a small table: 100 kB in all, where zlib's habit takes 300.
_LEVEL, _WINDOW, _MEMORY = 1, -13, 7
_LARGEST_WINDOW = -15  # the peer may use any


class Bomb(Exception):
    """What comes is no DEFLATE, or far more than what was sent."""


class Deflated:
    """The packed form of one connection."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY)
        self._unpacker = zlib.decompressobj(_LARGEST_WINDOW)
        self._waiting = b""
        self._full = False  # the last block was full: there may be more in the unpacker
        self._received = 0
        self._unpacked = 0

    def pack(self, octets: bytes) -> bytes:
        """What is sent for these octets; the peer can unpack all of it at once."""
        return self._packer.compress(octets) + self._packer.flush(zlib.Z_SYNC_FLUSH)

    def take(self, octets: bytes) -> None:
        """Octets have come; they wait to be unpacked."""
        self._received += len(octets)
        self._waiting += octets

    @property
    def waiting(self) -> int:
        """Octets not unpacked yet."""
        return len(self._waiting)

    def unpack(self) -> bytes:
        """The next octets, at most `BLOCK`; none when more must come first. Raises Bomb."""
        if not self._waiting and not self._full:
            return b""
        try:
            octets = self._unpacker.decompress(self._waiting, BLOCK)
        except zlib.error as error:
            raise Bomb("not DEFLATE") from error
        if self._unpacker.eof:
            raise Bomb("the stream was ended")
        self._waiting = self._unpacker.unconsumed_tail
        self._full = len(octets) == BLOCK
        self._unpacked += len(octets)
        if self._unpacked > FREE + RATIO * self._received:
            raise Bomb("far more than was sent")
        return octets
