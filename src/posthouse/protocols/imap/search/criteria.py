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


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A key that is looked for in what the agent gives of each message."""

    need: Need
    matches: Callable[[Message], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """BODY, and TEXT where it is not in the header: looked for in one text after the other."""

    needle: str
    in_header: bool


Leaf = Seen | Asked | Text


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


def bounds(key: Key, known: Mapping[Leaf, int], everything: int) -> tuple[int, int]:
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
    mask = known.get(key)
    return (0, everything) if mask is None else (mask, mask)


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
