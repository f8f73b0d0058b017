"""The formal syntax of RFC 3501 §9: one method per rule, named after it."""

from __future__ import annotations

import builtins
import datetime as dt
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TypeVar

from . import mailbox as names
from .framing import Frame, Literal
from .result import Bad

T = TypeVar("T")

_ATOM = re.compile(rb'[^(){ %*"\\\]\x00-\x1f\x7f-\xff]+')
_ASTRING = re.compile(rb'[^(){ %*"\\\x00-\x1f\x7f-\xff]+')
_LIST = re.compile(rb'[^(){ "\\\x00-\x1f\x7f-\xff]+')
_NAME = re.compile(rb' ([^(){ %*"\\\]\x00-\x1f\x7f-\xff]+)')  # SP atom
_TAG = re.compile(rb'[^(){ %*"\\+\x00-\x1f\x7f-\xff]+')
_QUOTED = re.compile(rb'"((?:[^"\\\r\n\x00]++|\\["\\])*+)"')
_ESCAPED = re.compile(rb'\\(["\\])')
_LITERAL = re.compile(rb"\{\d+\+?\}\Z")
_NUMBER = re.compile(rb"\d+")
_SET = re.compile(rb"[0-9*][0-9*:,]*|\$")
_FLAG = re.compile(rb'\\?[^(){ %*"\\\]\x00-\x1f\x7f-\xff]+')
_DATE = re.compile(rb"(\d{1,2})-(\w{3})-(\d{4})")
_DATE_TIME = re.compile(rb'"([ \d]\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"')

_MONTHS = {
    name: number
    for number, name in enumerate(
        b"JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), start=1
    )
}
#: §2.3.2; \Recent can be told, not set.
SYSTEM_FLAGS = {
    name.upper(): name
    for name in (rb"\Answered", rb"\Flagged", rb"\Deleted", rb"\Seen", rb"\Draft")
}
LONGEST_FLAG = 64  # octets
SHORT = 256  # octets of arguments whose meaning is remembered
REMEMBERED = 1024  # of them, for each command
MOST_FLAGS = 100  # in one list

NUMBER = (1 << 32) - 1
NUMBER64 = (1 << 63) - 1


def remembered(parse: Callable[[Reader], T]) -> Callable[[Reader], T]:
    """What does the same as `parse`, which reads all that follows into something immutable.

    Clients say the same again and again: what short arguments mean is remembered.
    """

    @lru_cache(REMEMBERED)
    def meaning(arguments: bytes, utf8: bool) -> T:
        return parse(Reader(Frame([arguments]), utf8))

    def recall(reader: Reader) -> T:
        arguments = reader.rest(SHORT)
        return parse(reader) if arguments is None else meaning(arguments, reader.utf8)

    return recall


class Reader:
    """Reads the arguments of one command from left to right. Raises Bad."""

    __slots__ = ("_at", "_line", "_piece", "_pieces", "announced", "utf8")

    def __init__(self, frame: Frame, utf8: bool = False) -> None:
        self.utf8 = utf8  # strings may be in UTF-8 (RFC 6855 §3)
        self._pieces = frame.pieces
        self._piece = 0
        self._line = frame.pieces[0]
        self._at = 0
        self.announced: Literal | None = frame.announced  # the message of APPEND

    # Marks

    def take(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """What the pattern matches here."""
        found = pattern.match(self._line, self._at)
        if not found:
            raise Bad(f"expected {what}")
        self._at = found.end()
        return found

    def next_is(self, mark: bytes) -> bool:
        """`mark`, in any case, comes next; it is not taken."""
        at = self._at
        return self._line[at : at + len(mark)].upper() == mark.upper()

    def accept(self, mark: bytes) -> bool:
        """Take `mark` if it is next, in any case."""
        if not self.next_is(mark):
            return False
        self._at += len(mark)
        return True

    def expect(self, mark: bytes) -> None:
        if not self.accept(mark):
            raise Bad(f"expected {mark.decode('ascii')!r}")

    def space(self) -> None:
        """SP; a second one is an error."""
        if self._line[self._at : self._at + 1] != b" ":
            raise Bad("expected a space")
        self._at += 1

    @property
    def ended(self) -> bool:
        """Nothing follows."""
        return self._at == len(self._line) and self._piece == len(self._pieces) - 1

    def end(self) -> None:
        """CRLF"""
        if not self.ended:
            raise Bad("unexpected argument")

    @property
    def last(self) -> bytes:
        """The last octet of the command."""
        return self._pieces[-1][-1:]

    def rest(self, most: int) -> bytes | None:
        """All that is still to be read, where it is on this line, and no more than so much."""
        if self._line is self._pieces[-1] and len(self._line) - self._at <= most:
            return self._line[self._at :]
        return None

    # Words

    def tag(self) -> bytes:
        """tag = 1*<any ASTRING-CHAR except "+">"""
        found = _TAG.match(self._line, self._at)
        if not found:
            raise Bad("expected a tag")
        self._at = found.end()
        return found[0]

    def name(self) -> str:
        """SP and the name of a command, in capitals."""
        found = _NAME.match(self._line, self._at)
        if not found:
            self.space()
            raise Bad("expected an atom")
        self._at = found.end()
        return found[1].decode("ascii").upper()

    def atom(self) -> str:
        """atom = 1*ATOM-CHAR"""
        return self.take(_ATOM, "an atom")[0].decode("ascii")

    def astring(self) -> bytes:
        """astring = 1*ASTRING-CHAR / string"""
        first = self._line[self._at : self._at + 1]
        if first in (b'"', b"{"):
            return self.string()
        return self.take(_ASTRING, "a string").group()

    def string(self) -> bytes:
        """string = quoted / literal; what is quoted may be in UTF-8 (RFC 6855 §3)"""
        if self.next_is(b"{"):
            return self.literal()
        octets = self.take(_QUOTED, "a string").group(1)
        if not octets.isascii():
            _require_utf8(octets)
        return _ESCAPED.sub(rb"\1", octets) if b"\\" in octets else octets

    def value(self) -> bytes:
        """string / literal8   (RFC 5464 §5)"""
        return self.literal(with_nul=True) if self.accept(b"~") else self.string()

    def literal(self, with_nul: bool = False) -> bytes:
        """literal = "{" number "}" CRLF *CHAR8; NUL is not a CHAR8."""
        self.take(_LITERAL, "a literal")
        if self._piece + 2 >= len(self._pieces):
            raise Bad("unexpected literal")
        octets = self._pieces[self._piece + 1]
        self._piece += 2
        self._line = self._pieces[self._piece]
        self._at = 0
        if b"\0" in octets and not with_nul:
            raise Bad("NUL in a literal")
        return octets

    def announcement(self) -> Literal:
        """ "{" number ["+"] "}" CRLF, of a literal that is not read yet"""
        if not (self.announced and _LITERAL.match(self._line, self._at)):
            raise Bad("expected a literal")
        return self.announced

    def nstring(self) -> bytes | None:
        """nstring = string / nil"""
        return None if self.accept(b"NIL") else self.string()

    def mailbox(self) -> str:
        """mailbox = "INBOX" / astring; one that is quoted is in UTF-8 where it is not ASCII."""
        quoted = self.next_is(b'"')
        octets = self.astring()
        return names.from_wire(octets, self.utf8 or (quoted and not octets.isascii()))

    def decoded(self, octets: bytes) -> str:
        """The name of a mailbox, or a part of one; raises ValueError for what is none."""
        return names.decoded(octets, self.utf8 or not octets.isascii())

    def list_mailbox(self) -> bytes:
        """list-mailbox = 1*list-char / string"""
        first = self._line[self._at : self._at + 1]
        if first in (b'"', b"{"):
            return self.string()
        return self.take(_LIST, "a mailbox name or pattern").group()

    # Numbers

    def number(self, most: int = NUMBER) -> int:
        """number = 1*DIGIT, of 32 bits"""
        digits = self.take(_NUMBER, "a number").group()
        if len(digits) > 20:
            raise Bad("the number is too large")
        number = int(digits)
        if number > most:
            raise Bad("the number is too large")
        return number

    def nz_number(self) -> int:
        """nz-number = digit-nz *DIGIT"""
        number = self.number()
        if not number:
            raise Bad("expected a number greater than 0")
        return number

    def number64(self) -> int:
        """mod-sequence-value and the like (RFC 7162 §7): of 63 bits"""
        return self.number(NUMBER64)

    def sequence_set(self) -> bytes:
        """sequence-set, as it came; what it means depends on the mailbox."""
        return self.take(_SET, "a set of messages").group()

    # Flags

    def flag(self) -> bytes:
        """flag = "\\Answered" / ... / flag-keyword, a system flag in its proper case"""
        flag = self.take(_FLAG, "a flag").group()
        if flag[:1] == b"\\":
            known = SYSTEM_FLAGS.get(flag.upper())
            if not known:
                raise Bad("no such system flag")
            return known
        if len(flag) > LONGEST_FLAG:
            raise Bad("the keyword is too long", "LIMIT")
        return flag

    def attribute(self) -> str:
        """use-attr and the like: "\\" atom (RFC 6154 §6)"""
        self.expect(b"\\")
        return "\\" + self.atom()

    def flag_list(self) -> tuple[bytes, ...]:
        """flag-list = "(" [flag *(SP flag)] ")", each once"""
        return self.flags(self.list(self.flag))

    def flags(self, flags: builtins.list[bytes]) -> tuple[bytes, ...]:
        """Each once, and not too many."""
        if len(flags) > MOST_FLAGS:
            raise Bad("too many flags", "LIMIT")
        return tuple(dict.fromkeys(flags))

    def list(self, item: Callable[[], T]) -> builtins.list[T]:
        """ "(" [item *(SP item)] ")" """
        self.expect(b"(")
        items: builtins.list[T] = []
        if self.accept(b")"):
            return items
        items.append(item())
        while self.accept(b" "):
            items.append(item())
        self.expect(b")")
        return items

    # Dates

    def date(self) -> dt.date:
        """date = date-text / DQUOTE date-text DQUOTE"""
        is_quoted = self.accept(b'"')
        day, month, year = self.take(_DATE, "a date like 1-Feb-1994").groups()
        if is_quoted:
            self.expect(b'"')
        try:
            return dt.date(int(year), _MONTHS[month.upper()], int(day))
        except (ValueError, KeyError):
            raise Bad("no such date") from None

    def date_time(self) -> datetime:
        """date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE"""
        found = self.take(_DATE_TIME, 'a date and time like "17-Jul-1996 02:44:25 -0700"')
        day, month, year, hour, minute, second, sign, *zone = found.groups()
        offset = timedelta(hours=int(zone[0]), minutes=int(zone[1]))
        try:
            moment = datetime(
                int(year),
                _MONTHS[month.upper()],
                int(day),
                int(hour),
                int(minute),
                min(int(second), 59) if second == b"60" else int(second),  # a leap second
                tzinfo=timezone(-offset if sign == b"-" else offset),
            )
            moment.astimezone(UTC)  # near the ends of the calendar there is no such time
        except (ValueError, KeyError, OverflowError):
            raise Bad("no such date and time") from None
        return moment


def _require_utf8(octets: bytes) -> None:
    """Raises Bad for anything else (RFC 6855 §3)."""
    try:
        octets.decode("utf-8")
    except ValueError:
        raise Bad("a quoted string is in UTF-8") from None
