"""A Content-Transfer-Encoding undone piece by piece (RFC 2045 §6), for what is large.

What comes out is what `encodings.decode_transfer` makes of the whole.
"""

from __future__ import annotations

import binascii

from posthouse.message.encodings import NOT_BASE64, decode_base64, decode_quoted_printable

KNOWN = frozenset({b"", b"7BIT", b"8BIT", b"BINARY", b"BASE64", b"QUOTED-PRINTABLE"})
LINE = 4096  # octets of quoted-printable that wait for the end of their line; it has 76 at most


class Decoder:
    """For one body; what comes out is never more than what went in."""

    def __init__(self, encoding: bytes) -> None:
        """`encoding` is one of `KNOWN`, in capitals."""
        self._encoding = encoding
        self._left = b""

    def take(self, octets: bytes) -> bytes:
        """The next octets, decoded as far as they can be."""
        if self._encoding == b"BASE64":
            octets = self._left + octets.translate(None, NOT_BASE64)
            start = octets.rfind(b"=") + 1  # of what has no end yet
            cut = start + (len(octets) - start & ~3)
        elif self._encoding == b"QUOTED-PRINTABLE":
            octets = self._left + octets
            cut = octets.rfind(b"\n") + 1
            if not cut and len(octets) > LINE:
                cut = _settled(octets)
                self._left = octets[cut:]
                return binascii.a2b_qp(octets[:cut])
        else:
            return octets
        whole, self._left = octets[:cut], octets[cut:]
        return self._decode(whole)

    def end(self) -> bytes:
        """What was left."""
        left, self._left = self._left, b""
        return self._decode(left)

    def _decode(self, octets: bytes) -> bytes:
        if self._encoding == b"BASE64":
            return decode_base64(octets)
        return decode_quoted_printable(octets) if octets else b""


def _settled(line: bytes) -> int:
    """How much of a line of quoted-printable that goes on means the same whatever follows.

    White space, and "=" before it, mean something else at the end of a line than within it.
    """
    end = len(line.rstrip(b" \t\r"))
    if len(line) - end > LINE:
        return len(line)  # nothing that was added on the way
    mark = line.rfind(b"=", max(0, end - 2), end)
    pairs = mark - len(line[: max(mark, 0)].rstrip(b"="))  # "==" stands for one of them
    return end if mark < 0 or pairs % 2 else mark
