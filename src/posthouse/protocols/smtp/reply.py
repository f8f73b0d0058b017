"""Replies (RFC 5321 §4.2) with enhanced status codes (RFC 3463)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

TEXT_LIMIT = 400  # characters; a reply line has at most 512 octets (RFC 5321 §4.5.3.1.5)

_VISIBLE = str.maketrans(dict.fromkeys((*range(32), 127), "?"))


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, of one line or more."""

    code: int
    status: str  # enhanced status code; "" where RFC 2034 §4 wants none
    text: str
    more: tuple[str, ...] = ()
    _octets: bytes = field(default=b"", init=False, repr=False, compare=False)  # once asked for

    @property
    def positive(self) -> bool:
        return self.code < 400  # §4.2.1

    def __bytes__(self) -> bytes:
        """§4.2: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) ..."""
        if not self._octets:
            object.__setattr__(self, "_octets", self._format())
        return self._octets

    def _format(self) -> bytes:
        status = f"{self.status} " if self.status else ""
        if not self.more:
            return f"{self.code} {status}{printable(self.text)}\r\n".encode()
        *firsts, last = map(printable, (self.text, *self.more))
        lines = [f"{self.code}-{status}{line}\r\n" for line in firsts]
        return "".join([*lines, f"{self.code} {status}{last}\r\n"]).encode()


@lru_cache(256)
def constant(code: int, status: str, text: str, more: tuple[str, ...] = ()) -> Reply:
    """A reply that many sessions give: kept, with its octets."""
    return Reply(code, status, text, more)


def printable(text: str) -> str:
    """§4.2: textstring = 1*(%d09 / %d32-126); what came from elsewhere may hold anything."""
    if text.isascii() and text.isprintable() and len(text) <= TEXT_LIMIT:
        return text
    return text[:TEXT_LIMIT].encode("ascii", "replace").decode().translate(_VISIBLE)


LOST = Reply(451, "4.3.0", "something went wrong here, try again later")

SHUT_OUT = Reply(421, "4.7.0", "your log-in does not hold any more, closing")


class Refused(Exception):
    """The command is refused with this reply; the session goes on."""

    def __init__(self, code: int, status: str, text: str) -> None:
        super().__init__(text)
        self.reply = Reply(code, status, text)
