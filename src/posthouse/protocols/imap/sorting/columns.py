"""What SORT and THREAD have in common: what is found, and the columns it is ordered by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...dialogue import Dialogue
from ..grammar import Reader
from ..progress import Progress
from ..result import No
from ..search.begin import begin
from ..search.columns import columns_of
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


def found_columns(
    session: Session, key: Key, columns: tuple[str, ...]
) -> Dialogue[tuple[Selected, list[int], list[Sequence[Any]]]]:
    """The positions of the messages that match, and for each column their values."""
    selected, _ = yield from begin(session, key)
    progress = Progress(session)
    positions = yield from find(selected, key, progress)
    positions, values = yield from columns_of(selected, positions, columns, progress)
    return selected, positions, values


def numbers_of(selected: Selected, positions: Sequence[int], by_uid: bool) -> list[int]:
    """What the client calls the messages at these positions."""
    if by_uid:
        uids = selected.view.uids
        return [uids[at] for at in positions]
    return [at + 1 for at in positions]
