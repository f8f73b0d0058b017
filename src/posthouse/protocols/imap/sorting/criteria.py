"""What SORT and THREAD have in common: what they search for."""

from __future__ import annotations

from collections.abc import Sequence

from ...dialogue import Dialogue
from ..grammar import Reader
from ..progress import Progress
from ..result import No
from ..search.begin import begin
from ..search.criteria import And, Key
from ..search.grammar import CHARSETS, search_keys
from ..search.scan import find
from ..session import Session
from ..view import Selected


def search_criteria(session: Session, reader: Reader) -> Key:
    """search-criteria = charset 1*(SP search-key)"""
    charset = reader.astring().upper()
    if charset not in CHARSETS:
        raise No("no such charset", "BADCHARSET (US-ASCII UTF-8)")
    reader.space()
    return And(tuple(search_keys(session, reader)))


def found(session: Session, key: Key) -> Dialogue[tuple[Selected, Sequence[int], Progress]]:
    """The positions of the messages that match."""
    selected, _ = yield from begin(session, key)
    progress = Progress(session)
    positions = yield from find(selected, key, progress)
    return selected, positions, progress
