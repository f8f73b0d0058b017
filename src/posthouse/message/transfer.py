"""A Content-Transfer-Encoding undone piece by piece (RFC 2045 §6), for what is large."""

from __future__ import annotations

from posthouse.message.encodings import decode_base64, decode_quoted_printable

IDENTITIES = frozenset({b"", b"7BIT", b"8BIT", b"BINARY"})
KNOWN = IDENTITIES | {b"BASE64", b"QUOTED-PRINTABLE"}

_not_base64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)


class Decoder:
    """For one body; what comes out is never more than what went in."""

    def __init__(self, encoding: bytes) -> None:
        """`encoding` is one of `KNOWN`, in capitals."""
        self._encoding = encoding
        self._left = b""

    def take(self, octets: bytes) -> bytes:
        """The next octets, decoded as far as they can be."""
        if self._encoding == b"BASE64":
            octets = self._left + octets.translate(None, _not_base64)
            cut = len(octets) & ~3
        elif self._encoding == b"QUOTED-PRINTABLE":
            octets = self._left + octets
            # White space and "=" at the end of a line mean something else than within it.
            cut = octets.rfind(b"\n") + 1 or octets.rfind(b"=", 0, max(0, len(octets) - 4096))
            cut = max(cut, 0)
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


def decode(octets: bytes, encoding: bytes) -> bytes:
    """A whole body decoded."""
    if encoding in IDENTITIES:
        return octets
    decoder = Decoder(encoding)
    return decoder.take(octets) + decoder.end()
