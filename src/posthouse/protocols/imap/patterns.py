"""Names with wildcards (RFC 3501 §6.3.8), in time linear in the name, whatever the patterns.

All positions in the patterns that the part of the name read so far can lead to are kept at once,
as the bits of one number: nothing is tried twice, and many patterns take as long as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .mailbox import INBOX, SEPARATOR, canonical

_RUN = re.compile(r"[*%]*\*[*%]*|%%+")
_WILDCARD = re.compile(r"[*%]")


class Patterns:
    """Mailbox names in which "*" stands for anything, "%" for anything but a separator."""

    __slots__ = (
        "_any",
        "_ends",
        "_exact",
        "_masks",
        "_prefixes",
        "_starts",
        "_suffixes",
        "_within",
        "texts",
    )

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(dict.fromkeys(map(_shortest, texts)))
        wild = [text for text in self.texts if len(text) > 1 and _WILDCARD.search(text)]
        self._exact = frozenset(self.texts).difference(wild)
        pieces = list(map(_WILDCARD.split, wild))
        self._prefixes = tuple({each[0] for each in pieces})
        self._suffixes = tuple({each[-1] for each in pieces})
        self._starts = self._ends = self._any = self._within = 0
        self._masks: dict[str, int] = {}
        bit = 1
        for text in wild:
            self._starts |= bit
            for character in text:
                if character == "*":
                    self._any |= bit
                elif character == "%":
                    self._within |= bit
                else:
                    self._masks[character] = self._masks.get(character, 0) | bit
                bit <<= 1
            self._ends |= bit  # which no character leads on from
            bit <<= 1

    def match(self, name: str) -> bool:
        """Whether one of them does; INBOX matches in any case (§5.1), which is that of ASCII."""
        if name == INBOX and not self._match(name):
            upper = Patterns([text.upper() for text in self.texts if text.isascii()])
            return upper._match(name)
        return self._match(name)

    def _match(self, name: str) -> bool:
        exact = self._exact
        if name in exact or "*" in exact or ("%" in exact and SEPARATOR not in name):
            return True
        if not (name.startswith(self._prefixes) and name.endswith(self._suffixes)):
            return False
        anything, wildcards = self._any, self._any | self._within
        here = self._starts
        here |= (here & wildcards) << 1
        for character in name:
            stay = anything if character == SEPARATOR else wildcards
            here = (here & self._masks.get(character, 0)) << 1 | here & stay
            if not here:
                return False
            here |= (here & wildcards) << 1
        return bool(here & self._ends)


def _shortest(text: str) -> str:
    """The same, without wildcards that mean no more than those beside them."""
    return canonical(_RUN.sub(lambda run: "*" if "*" in run.group() else "%", text))
