"""The keys of a SEARCH command (RFC 3501 §9, `search-key`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from posthouse.message.text import folded

from ..grammar import NUMBER64, Reader
from ..mail_events import Need
from ..result import Bad, No
from ..sequence import SAVED, Ranges, parse_sequence_set
from ..session import Session
from ..view import Selected
from . import mask
from .criteria import And, Asked, InField, Key, Not, Numbered, Or, Ranged, Seen, Text
from .message import DAY, Message

MOST_KEYS = 300
LONGEST_NAME = 255  # octets of the name of a header field
DEEPEST = 50  # NOT and parentheses; the second key of an OR may be an OR as often as one likes
CHARSETS = (b"US-ASCII", b"UTF-8")

_KEY = re.compile(rb"[A-Za-z][A-Za-z0-9\-]*|[0-9*][0-9*:,]*|\$")
_EPOCH = date(1970, 1, 1).toordinal()

_FLAGS = {
    "ANSWERED": rb"\answered",
    "DELETED": rb"\deleted",
    "DRAFT": rb"\draft",
    "FLAGGED": rb"\flagged",
    "SEEN": rb"\seen",
}
_FIELDS = frozenset({"BCC", "CC", "FROM", "SUBJECT", "TO"})
_DATES: dict[str, Callable[[int, int], bool]] = {
    "BEFORE": int.__lt__,
    "ON": int.__eq__,
    "SINCE": int.__ge__,
}


def search_program(session: Session, reader: Reader) -> Key:
    """[SP "CHARSET" SP astring] 1*(SP search-key)"""
    reader.space()
    if reader.accept(b"CHARSET "):
        if "UTF8=ACCEPT" in session.enabled:  # RFC 6855 §3
            raise Bad("the charset is UTF-8, since UTF8=ACCEPT is enabled")
        if reader.astring().upper() not in CHARSETS:
            raise No("no such charset", "BADCHARSET (US-ASCII UTF-8)")
        reader.space()
    return And(tuple(search_keys(session, reader)))


def search_keys(session: Session, reader: Reader) -> list[Key]:
    """search-key *(SP search-key), to the end of the command"""
    keys = _Keys(session, reader)
    found = [keys.key(0)]
    while reader.accept(b" "):
        found.append(keys.key(0))
    reader.end()
    return found


class _Keys:
    """Reads keys, and counts them."""

    def __init__(self, session: Session, reader: Reader) -> None:
        self.session = session
        self.reader = reader
        self.count = 0

    def key(self, depth: int) -> Key:
        """search-key"""
        self.count += 1
        if depth > DEEPEST or self.count > MOST_KEYS:
            raise Bad("the search is too complex", "LIMIT")
        reader = self.reader
        if reader.next_is(b"("):
            return And(tuple(self._some(depth)))
        found = reader.take(_KEY, "a search key").group()
        if not found[:1].isalpha():
            return in_set(parse_sequence_set(found), by_uid=False)
        name = found.decode("ascii").upper()
        if name == "NOT":
            reader.space()
            return Not(self.key(depth + 1))
        if name == "OR":
            return self._or(depth)
        return self._leaf(name)

    def _some(self, depth: int) -> list[Key]:
        """ "(" search-key *(SP search-key) ")" """
        keys = self.reader.list(lambda: self.key(depth + 1))
        if not keys:
            raise Bad("expected a search key")
        return keys

    def _or(self, depth: int) -> Key:
        """ "OR" SP search-key SP search-key: a chain of them is one key of many."""
        reader = self.reader
        keys = []
        reader.space()
        while True:
            keys.append(self.key(depth + 1))
            reader.space()
            if not reader.accept(b"OR "):
                break
        keys.append(self.key(depth + 1))
        return Or(tuple(keys))

    def _leaf(self, name: str) -> Key:
        plain = _PLAIN.get(name)
        if plain:
            return plain
        if name in _ARGUMENTS:
            self.reader.space()
            return _ARGUMENTS[name](self.reader)
        for extension in self.session.extensions:
            if name in extension.search_keys:
                key = extension.search_keys[name](self.reader)
                assert isinstance(key, Key)
                return key
        raise Bad("no such search key")


# Leaves


def in_set(ranges: Ranges, by_uid: bool) -> Key:
    """sequence-set, "UID" SP sequence-set"""

    def find(selected: Selected) -> int:
        return mask.of_ranges(selected.search(ranges, by_uid), len(selected.view))

    return Seen(find) if by_uid or ranges is SAVED else Numbered(find)


def has_flag(flag: bytes) -> Key:
    """A flag, in small letters, is set."""

    def find(selected: Selected) -> int:
        bears = bytearray()
        for flags, texts in selected.view.flags_by_block():
            with_it = {text for text in texts if flag in text.lower().split()}
            if 0 < len(with_it) < len(texts):
                bears += bytes(map(with_it.__contains__, flags))
            else:
                bears += bytes([bool(with_it)]) * len(flags)
        return mask.of_bools(bears)

    return Seen(find)


def _recent(selected: Selected) -> int:
    return mask.of_ranges(selected.recent_positions(), len(selected.view))


def _all(selected: Selected) -> int:
    return mask.full(len(selected.view))


def _string(reader: Reader) -> str:
    """An astring that is looked for; without a charset it is taken for UTF-8 as well."""
    try:
        return folded(reader.astring().decode("utf-8"))
    except UnicodeDecodeError:
        raise Bad("the string is not in the charset") from None


def _field(name: bytes) -> Callable[[Reader], Key]:
    def parse(reader: Reader) -> Key:
        return _in_field(name, _string(reader))

    return parse


def _in_field(name: bytes, needle: str) -> Key:
    return InField(Need.HEADER, lambda message: message.has_field(name, needle), name, needle)


def _header(reader: Reader) -> Key:
    """ "HEADER" SP header-fld-name SP astring"""
    name = reader.astring()
    if len(name) > LONGEST_NAME:
        raise Bad("the name of the field is too long", "LIMIT")
    reader.space()
    return _in_field(name, _string(reader))


def _body(reader: Reader) -> Key:
    return _in_text(_string(reader), in_header=False)


def _text(reader: Reader) -> Key:
    return _in_text(_string(reader), in_header=True)


def _in_text(needle: str, in_header: bool) -> Key:
    """Nothing is in every message, whether it has a text or not."""
    return Text(needle, in_header) if needle else Seen(_all)


def _keyword(reader: Reader) -> Key:
    return has_flag(_flag_keyword(reader))


def _unkeyword(reader: Reader) -> Key:
    return Not(has_flag(_flag_keyword(reader)))


def _flag_keyword(reader: Reader) -> bytes:
    return reader.atom().lower().encode("ascii")


def _uid(reader: Reader) -> Key:
    return in_set(parse_sequence_set(reader.sequence_set()), by_uid=True)


def _larger(reader: Reader) -> Key:
    return Ranged("size", reader.number64() + 1, NUMBER64)


def _smaller(reader: Reader) -> Key:
    return Ranged("size", 0, reader.number64() - 1)


def _before(reader: Reader) -> Key:
    return Ranged("arrival", -NUMBER64, _day(reader) * DAY - 1)


def _on(reader: Reader) -> Key:
    day = _day(reader)
    return Ranged("arrival", day * DAY, (day + 1) * DAY - 1)


def _since(reader: Reader) -> Key:
    return Ranged("arrival", _day(reader) * DAY, NUMBER64)


def _day(reader: Reader) -> int:
    """A date, in days since 1970."""
    return reader.date().toordinal() - _EPOCH


def _sent(holds: Callable[[int, int], bool]) -> Callable[[Reader], Key]:
    def parse(reader: Reader) -> Key:
        day = _day(reader)

        def matches(message: Message) -> bool:
            sent = message.sent_day
            return sent is not None and holds(sent, day)

        return Asked(Need.SENT, matches)

    return parse


_PLAIN: dict[str, Key] = {
    "ALL": Seen(_all),
    "NEW": And((Seen(_recent), Not(has_flag(rb"\seen")))),
    "OLD": Not(Seen(_recent)),
    "RECENT": Seen(_recent),
    **{name: has_flag(flag) for name, flag in _FLAGS.items()},
    **{"UN" + name: Not(has_flag(flag)) for name, flag in _FLAGS.items()},
}
_ARGUMENTS: dict[str, Callable[[Reader], Key]] = {
    "BEFORE": _before,
    "BODY": _body,
    "HEADER": _header,
    "KEYWORD": _keyword,
    "LARGER": _larger,
    "ON": _on,
    "SINCE": _since,
    "SMALLER": _smaller,
    "TEXT": _text,
    "UID": _uid,
    "UNKEYWORD": _unkeyword,
    **{name: _field(name.encode()) for name in _FIELDS},
    **{"SENT" + name: _sent(holds) for name, holds in _DATES.items()},
}
