"""Search programs at random, and which messages match them (RFC 3501 §6.4.4)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

from .letters import PEOPLE, WORDS
from .mailboxes import KEYWORDS, Flags, Message

NOON = clock(12, 0, 30)

#: Keys that look at a field, and which.
FIELDS = {
    "SUBJECT": "Subject",
    "FROM": "From",
    "HEADER Message-ID": "Message-ID",
    "HEADER X-None": "X-None",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A message as a search looks at it."""

    number: int
    message: Message
    flags: Flags
    recent: bool


@dataclass(frozen=True, slots=True)
class Key:
    text: str
    matches: Callable[[Subject], bool]


def some(chance: random.Random, numbers: int, uids: list[int], depth: int = 0) -> Key:
    """A key, or a tree of some, for a client that knows so many messages."""
    kind = chance.random()
    if depth < 3 and kind < 0.12:
        key = some(chance, numbers, uids, depth + 1)
        return Key(f"NOT {key.text}", lambda each: not key.matches(each))
    if depth < 3 and kind < 0.3:
        one, other = (some(chance, numbers, uids, depth + 1) for _ in range(2))
        return Key(
            f"OR {one.text} {other.text}", lambda each: one.matches(each) or other.matches(each)
        )
    if depth < 3 and kind < 0.45:
        keys = [some(chance, numbers, uids, depth + 1) for _ in range(chance.randrange(1, 4))]
        text = " ".join(key.text for key in keys)
        return Key(f"({text})", lambda each: all(key.matches(each) for key in keys))
    make = chance.choice((_flag, _flag, _set, _date, _within, _sent, _size, _text, _keyword))
    return make(chance, numbers, uids)


def _flag(chance: random.Random, _numbers: int, _uids: list[int]) -> Key:
    name = chance.choice(
        ("ALL", "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN", "NEW", "OLD", "RECENT")
    )
    match name:
        case "ALL":
            return Key(name, lambda _: True)
        case "NEW":
            return Key(name, lambda each: each.recent and "\\seen" not in each.flags)
        case "OLD":
            return Key(name, lambda each: not each.recent)
        case "RECENT":
            return Key(name, lambda each: each.recent)
    flag = f"\\{name.lower()}"
    if chance.random() < 0.4:
        return Key(f"UN{name}", lambda each: flag not in each.flags)
    return Key(name, lambda each: flag in each.flags)


def _keyword(chance: random.Random, _numbers: int, _uids: list[int]) -> Key:
    word = chance.choice(KEYWORDS)
    flag = word.lower()
    if chance.random() < 0.4:
        return Key(f"UNKEYWORD {word}", lambda each: flag not in each.flags)
    return Key(f"KEYWORD {word}", lambda each: flag in each.flags)


def _set(chance: random.Random, numbers: int, uids: list[int]) -> Key:
    if not uids or chance.random() < 0.5:
        first, last = sorted((chance.randrange(1, numbers + 4), chance.randrange(1, numbers + 4)))
        return Key(f"{first}:{last}", lambda each: first <= each.number <= last)
    first, last = sorted((chance.choice(uids), chance.choice(uids)))
    return Key(f"UID {first}:{last}", lambda each: first <= each.message.uid <= last)


def _compared(name: str, own: date, asked: date) -> bool:
    if name.endswith("BEFORE"):
        return own < asked
    return own >= asked if name.endswith("SINCE") else own == asked


def _some_day(chance: random.Random) -> date:
    return date(2026, 1, 1) + timedelta(days=chance.randrange(210))


def _date(chance: random.Random, _numbers: int, _uids: list[int]) -> Key:
    name, asked = chance.choice(("BEFORE", "SINCE", "ON")), _some_day(chance)

    def matches(each: Subject) -> bool:
        assert each.message.date is not None
        return _compared(name, datetime.fromtimestamp(each.message.date, UTC).date(), asked)

    return Key(f"{name} {asked.day}-{asked:%b-%Y}", matches)


def _within(chance: random.Random, _numbers: int, _uids: list[int]) -> Key:
    """OLDER, YOUNGER (RFC 5032): from half a minute after a whole one, where no date is."""
    asked = datetime.combine(_some_day(chance), NOON, UTC).timestamp()
    older = chance.random() < 0.5
    age = int(time.time() - asked)

    def matches(each: Subject) -> bool:
        assert each.message.date is not None
        return (each.message.date <= asked) == older

    return Key(f"{'OLDER' if older else 'YOUNGER'} {age}", matches)


def _sent(chance: random.Random, _numbers: int, _uids: list[int]) -> Key:
    name, asked = chance.choice(("SENTBEFORE", "SENTSINCE", "SENTON")), _some_day(chance)

    def matches(each: Subject) -> bool:
        assert each.message.letter is not None
        return _compared(name, each.message.letter.sent.date(), asked)

    return Key(f"{name} {asked.day}-{asked:%b-%Y}", matches)


def _size(chance: random.Random, _numbers: int, _uids: list[int]) -> Key:
    size = chance.choice((100, 400, 600, 100_000))
    larger = chance.random() < 0.5

    def matches(each: Subject) -> bool:
        assert each.message.letter is not None
        own = len(each.message.letter.octets)
        return own > size if larger else own < size

    return Key(f"{'LARGER' if larger else 'SMALLER'} {size}", matches)


def _text(chance: random.Random, _numbers: int, _uids: list[int]) -> Key:
    name, field = chance.choice((*FIELDS.items(), ("BODY", "")))
    needle = chance.choice((*WORDS, *PEOPLE)).upper()

    def matches(each: Subject) -> bool:
        letter = each.message.letter
        assert letter is not None
        line = dict(letter.field_lines).get(field, b"") if field else letter.body
        return needle.encode() in (line.partition(b": ")[2] if field else line).upper()

    return Key(f"{name} {needle}", matches)
