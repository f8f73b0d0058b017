"""The header of a submitted message, completed on its way to the spool (RFC 6409 §8)."""

from __future__ import annotations

from collections.abc import Callable

from posthouse.message.header import BLANK, CRLF

LIMIT = 256 * 1024  # octets of a header


class HeaderTooLarge(Exception):
    """The header is larger than what is kept in memory for it."""


class Completing:
    """Keeps the content back until its header is there, completes it, and lets the rest pass."""

    def __init__(self, complete: Callable[[bytes], bytes]) -> None:
        self._complete = complete
        self._header = bytearray()
        self._scanned = 0  # octets in which no empty line begins
        self._done = False

    @property
    def held(self) -> int:
        """Octets that are kept back."""
        return len(self._header)

    def take(self, octets: bytes) -> bytes:
        """The next content; gives what may go on. Raises HeaderTooLarge."""
        if self._done:
            return octets
        header = self._header
        header += octets
        end = 2
        if not header.startswith(CRLF):
            end = header.find(BLANK, self._scanned) + 4
            if end < 4:
                self._scanned = max(0, len(header) - 3)
                if len(header) > LIMIT:
                    header.clear()
                    raise HeaderTooLarge
                return b""
        rest = bytes(header[end:])
        del header[end:]
        return self.finish() + rest

    def finish(self) -> bytes:
        """There is no more: what was kept back."""
        if self._done:
            return b""
        self._done = True
        header = bytes(self._header)
        self._header.clear()
        return self._complete(header)
