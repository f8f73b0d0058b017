"""Line ends of content that comes in pieces: the one rule of all ways in, for APPEND.

A CR or LF that stands alone, or a NUL, is refused; or, by setting, each becomes a CRLF.
"""

from __future__ import annotations

import re

_newline = re.compile(rb"\r\n|\r|\n")

BARE = "the message has a CR or LF that stands alone"
NUL = "the message has a NUL"


class Newlines:
    """Looks at one content as it comes."""

    def __init__(self, normalise: bool) -> None:
        self._normalise = normalise
        self._open = b""  # a CR at the end of a piece, of which the LF may come yet
        self.fault = ""  # why the content is refused

    def take(self, octets: bytes) -> bytes:
        """The next piece; gives what may be kept."""
        octets = self._open + octets
        self._open = b""
        if octets.endswith(b"\r"):
            octets, self._open = octets[:-1], b"\r"
        return self._judge(octets)

    def end(self) -> bytes:
        """There is no more."""
        last, self._open = self._open, b""
        return self._judge(last)

    def _judge(self, octets: bytes) -> bytes:
        if self._normalise:
            octets = _newline.sub(b"\r\n", octets)
        ends = octets.count(b"\r\n")
        if octets.count(b"\n") != ends or octets.count(b"\r") != ends:
            self.fault = BARE
        elif b"\0" in octets:
            self.fault = NUL
        return octets
