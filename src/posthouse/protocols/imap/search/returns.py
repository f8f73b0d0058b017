"""The extended response of SEARCH, put together of return options (RFC 4466 §2.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..grammar import Reader
from ..result import Bad
from ..sequence import format_set, runs
from ..session import Session
from ..view import Selected
from .answers import numbers_of
from .begin import highest


@dataclass(frozen=True, slots=True)
class Found:
    """What was found."""

    selected: Selected
    positions: Sequence[int]  # ascending
    by_uid: bool

    def numbers(self, positions: Sequence[int]) -> Sequence[int]:
        """What names the messages at these positions in the response."""
        return numbers_of(self.selected, positions, self.by_uid)


@dataclass(frozen=True, slots=True)
class Return:
    """A return option: what it says of what was found, and of which messages it speaks."""

    #: Its search-return-data; None says nothing
    data: Callable[[Found], bytes | None]
    #: The positions in the list of what was found
    part: Callable[[Sequence[int]], Sequence[int]]
    all: bool = False  # all that was found, in whatever order


@dataclass(frozen=True, slots=True)
class Save:
    """SAVE: keep what was found as "$" (RFC 5182)."""


def everything(positions: Sequence[int]) -> Sequence[int]:
    return positions


def _all(found: Found) -> bytes | None:
    if not found.positions:
        return None
    return b"ALL " + format_set(runs(found.numbers(found.positions)))


ALL = Return(_all, everything, all=True)
Options = dict[str, Return | Save]


def search_return_opts(session: Session, reader: Reader) -> Options | None:
    """[SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"]"""
    if not reader.accept(b" RETURN ("):
        return None
    options: Options = {}
    known = {k: parse for e in session.extensions for k, parse in e.search_returns.items()}
    while not reader.accept(b")"):
        if options:
            reader.space()
        name = reader.atom().upper()
        if name not in known or name in options:
            raise Bad("no such return option")
        option = known[name](reader)
        assert isinstance(option, Return | Save)
        options[name] = option
    if "PARTIAL" in options and "ALL" in options:  # RFC 9394 §3.1
        raise Bad("PARTIAL and ALL do not go together")
    return options or {"ALL": ALL}


def spoken_of(options: Options, positions: Sequence[int]) -> list[int]:
    """The positions that the options speak of; all of them where there is only SAVE."""
    speaking = [each for each in options.values() if isinstance(each, Return)]
    if not speaking:
        return list(positions)
    return sorted({at for each in speaking for at in each.part(positions)})


def extended(session: Session, found: Found, options: Options, changed: bool) -> bytes:
    """esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)

    Nothing at all where nothing is asked for but to save (RFC 5182 §2.2).
    """
    speaking = [each for each in options.values() if isinstance(each, Return)]
    if not speaking:
        return b""
    words = [b'* ESEARCH (TAG "%b")' % session.tag]
    if found.by_uid:
        words.append(b"UID")
    words += [said for each in speaking if (said := each.data(found)) is not None]
    if changed and found.positions:
        modseq = highest(found.selected, spoken_of(options, found.positions))
        words.append(b"MODSEQ %d" % modseq)
    return b" ".join(words) + b"\r\n"
