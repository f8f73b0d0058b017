"""Names with wildcards (RFC 3501 §6.3.8), in time linear in the name, whatever the pattern.

All positions in the pattern that the part of the name read so far can lead to are kept at once,
as the bits of one number: nothing is tried twice.
"""

from __future__ import annotations

import re

from .mailbox import INBOX, SEPARATOR, canonical

_RUN = re.compile(r"[*%]*\*[*%]*|%%+")
_WILDCARD = re.compile(r"[*%]")


class Pattern:
    """A mailbox name in which "*" stands for anything, "%" for anything but a separator."""

    __slots__ = ("_any", "_end", "_exact", "_masks", "_prefix", "_suffix", "_within", "text")

    def __init__(self, text: str) -> None:
        text = canonical(_RUN.sub(lambda run: "*" if "*" in run.group() else "%", text))
        self.text = text
        pieces = _WILDCARD.split(text)
        self._exact = len(pieces) == 1
        self._prefix, self._suffix = pieces[0], pieces[-1]
        self._any = self._within = 0
        self._masks: dict[str, int] = {}
        for position, character in enumerate(text):
            bit = 1 << position
            if character == "*":
                self._any |= bit
            elif character == "%":
                self._within |= bit
            else:
                self._masks[character] = self._masks.get(character, 0) | bit
        self._end = 1 << len(text)

    def matches(self, name: str) -> bool:
        """INBOX matches in any case (§5.1), which is that of ASCII."""
        if name == INBOX and self.text.isascii() and not self._match(name):
            return Pattern(self.text.upper())._match(name)  # noqa: SLF001
        return self._match(name)

    def _match(self, name: str) -> bool:
        text = self.text
        if self._exact or text == "*":
            return text == "*" or name == text
        if text == "%":
            return SEPARATOR not in name
        if not (name.startswith(self._prefix) and name.endswith(self._suffix)):
            return False
        anything, within = self._any, self._within
        wildcards = anything | within
        here = 1 | (wildcards & 1) << 1
        for character in name:
            stay = anything if character == SEPARATOR else wildcards
            here = (here & self._masks.get(character, 0)) << 1 | here & stay
            if not here:
                return False
            here |= (here & wildcards) << 1
        return bool(here & self._end)
