"""What is searched for, as a tree, and what is known of its answer (RFC 3501 §6.4.4).

A leaf is known from the view, or from what the agent gives for a message. As long as a leaf is
not known, the answer lies between two sets: the messages that match whatever the leaf will say,
and those that may match. Only the messages between the two are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from ..mail_events import Need
from ..view import Selected
from .message import Message


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A key that the view answers: the mask of the messages that match."""

    find: Callable[[Selected], int]


class Numbered(Seen):
    """One that names messages by their numbers."""

    __slots__ = ()


class Changed(Seen):
    """MODSEQ: the answer then tells a mod-sequence, too (RFC 7162 §3.1.6)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A key that is looked for in what the agent gives of each message."""

    need: Need
    matches: Callable[[Message], bool]


@dataclass(frozen=True, slots=True, eq=False)
class InField(Asked):
    """A key that is looked for in the header fields of one name."""

    name: bytes
    needle: str


@dataclass(slots=True)
class Moment:
    """When the search is made, in seconds since 1970; known when it begins."""

    now: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Aged(Asked):
    """A key that looks at how old a message is (RFC 5032)."""

    moment: Moment


@dataclass(frozen=True, slots=True, eq=False)
class Ranged:
    """A key that holds where a number of the message is not outside of two."""

    column: str  # arrival or size
    least: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """BODY, and TEXT where it is not in the header: looked for in one text after the other."""

    needle: str
    in_header: bool


Leaf = Seen | Asked | Ranged | Text


@dataclass(frozen=True, slots=True, eq=False)
class Not:
    key: Key


@dataclass(frozen=True, slots=True, eq=False)
class And:
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Or:
    keys: tuple[Key, ...]


Key = Leaf | Not | And | Or


#: What is known of leaves: the messages that match, and those that may.
Known = Mapping[Leaf, tuple[int, int]]


def bounds(key: Key, known: Known, everything: int) -> tuple[int, int]:
    """The messages that match, and those that may."""
    match key:
        case Not():
            least, most = bounds(key.key, known, everything)
            return everything ^ most, everything ^ least
        case And():
            some = [bounds(each, known, everything) for each in key.keys]
            return reduce(and_, [low for low, _ in some]), reduce(and_, [high for _, high in some])
        case Or():
            some = [bounds(each, known, everything) for each in key.keys]
            return reduce(or_, [low for low, _ in some]), reduce(or_, [high for _, high in some])
    return known.get(key, (0, everything))


def leaves(key: Key) -> list[Leaf]:
    """All leaves of the tree."""
    found: list[Leaf] = []
    left = [key]
    while left:
        each = left.pop()
        if isinstance(each, Not):
            left.append(each.key)
        elif isinstance(each, And | Or):
            left += each.keys
        else:
            found.append(each)
    return found
