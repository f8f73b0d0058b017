"""Flags of messages (RFC 3501 §2.3.2), in one canonical text: `\\Seen \\Flagged $Junk`.

System flags first, in one order, then keywords by their lower case; so that equal sets are equal
text, and the text is what FETCH sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

SYSTEM = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
_SYSTEM = {flag.lower(): flag for flag in SYSTEM}

SEEN = "\\Seen"
DELETED = "\\Deleted"

MOST_KEYWORDS = 200  # of one message


class TooManyFlags(Exception):
    """A message would have more keywords than a message may have."""


def canonical(flags: Iterable[str]) -> str:
    """The text of a set of flags; \\Recent is not one that is kept. Raises TooManyFlags."""
    system: set[str] = set()
    keywords: dict[str, str] = {}
    for flag in flags:
        lower = flag.lower()
        if lower in _SYSTEM:
            system.add(_SYSTEM[lower])
        elif lower != "\\recent":
            keywords.setdefault(lower, flag)
    if len(keywords) > MOST_KEYWORDS:
        raise TooManyFlags
    ordered = [flag for flag in SYSTEM if flag in system]
    return " ".join([*ordered, *(keywords[lower] for lower in sorted(keywords))])


@lru_cache(4096)
def has(text: str, flag: str) -> bool:
    """Is a system flag, written as RFC 3501 does, in a canonical text?"""
    return flag in text.split(" ")


def replaced(_old: str, given: tuple[str, ...]) -> str:
    return canonical(given)


def added(old: str, given: tuple[str, ...]) -> str:
    return canonical([*old.split(), *given])


def removed(old: str, given: tuple[str, ...]) -> str:
    gone = {flag.lower() for flag in given}
    return " ".join(flag for flag in old.split() if flag.lower() not in gone)
