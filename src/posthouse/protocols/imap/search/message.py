"""One message, as the keys of SEARCH look at it: decoded, in small letters (RFC 3501 §6.4.4)."""

from __future__ import annotations

from posthouse.message.encodings import decode_words
from posthouse.message.header import Header, unfold
from posthouse.message.text import folded, header_text

from ..mail_events import Row

DAY = 86400  # seconds


class Message:
    """What the agent gave of a message; what many keys look at is decoded once."""

    __slots__ = ("_fields", "_lower", "_text", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self._lower: bytes | None = None
        self._text: str | None = None
        self._fields: dict[bytes, list[str]] | None = None

    @property
    def header(self) -> bytes:
        return self.row[6] or b""

    @property
    def size(self) -> int:
        return self.row[2] or 0

    @property
    def day(self) -> int:
        """The day of the internal date, since 1970."""
        return (self.row[1] or 0) // DAY

    @property
    def sent_day(self) -> int | None:
        """The day that the Date field shows, "disregarding time and timezone"."""
        return self.row[8]

    def has_field(self, name: bytes, needle: str) -> bool:
        """A field of this name is there and holds the needle."""
        if not self._may_hold(needle):
            return False
        return any(needle in value for value in self._values(name))

    def has_text(self, needle: str) -> bool:
        """Some field holds the needle, in its name or its value."""
        if not self._may_hold(needle):
            return False
        if self._text is None:
            self._text = header_text(self.header)
        return needle in self._text

    def _values(self, name: bytes) -> list[str]:
        """All that fields of this name say."""
        if self._fields is None:
            self._fields = {}
        found = self._fields.get(name)
        if found is None:
            values = Header(Header(self.header).select((name,))).get_all(name)
            found = [folded(decode_words(unfold(value))) for value in values]
            self._fields[name] = found
        return found

    def _may_hold(self, needle: str) -> bool:
        """False where a look at the octets says that decoding is for nothing.

        White space may be where a field is folded.
        """
        if not needle.isascii() or not needle.isprintable() or " " in needle:
            return True
        if self._lower is None:
            self._lower = self.header.lower()
        lower = self._lower
        return b"=?" in lower or not lower.isascii() or needle.encode("ascii") in lower
