"""Transparency for content that comes in blocks (RFC 5321 §4.5.2)."""

from __future__ import annotations

from .events import Unfit


class Transparency:
    """Doubles the dot that begins a line, wherever the blocks are cut.

    A CR or LF that stands alone is not sent: what one server takes for the end of a line, or of
    the message, another does not (§2.3.8).
    """

    def __init__(self) -> None:
        self._line_begins = True
        self._held = b""  # a CR whose LF has not come

    def take(self, block: bytes) -> bytes:
        """What is to be sent of a block. Raises Unfit."""
        if self._held:
            block = self._held + block
            self._held = b""
        if block.endswith(b"\r"):
            self._held = b"\r"
            block = block[:-1]
        if not block:
            return b""
        ends = block.count(b"\r\n")
        if block.count(b"\n") != ends or block.count(b"\r") != ends:
            raise Unfit("5.6.0", "the content has a CR or LF that stands alone")
        dotted = block.replace(b"\r\n.", b"\r\n..")
        if self._line_begins and block.startswith(b"."):
            dotted = b"." + dotted
        self._line_begins = block.endswith(b"\r\n")
        return dotted

    def end(self) -> bytes:
        """The end of the message; the CRLF before its dot is the content's where it has one."""
        if self._held:
            raise Unfit("5.6.0", "the content has a CR or LF that stands alone")
        return b".\r\n" if self._line_begins else b"\r\n.\r\n"
