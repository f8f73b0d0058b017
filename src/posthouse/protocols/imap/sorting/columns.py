"""What messages are sorted by, in columns: from the agent, or from their headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from posthouse.message.ordering import Keys, ordering_keys

from ...dialogue import Dialogue, ask
from ..grammar import Reader
from ..mail_events import NOTHING, FetchRows, FindOrdering, Need, Row
from ..result import No
from ..search.begin import begin
from ..search.criteria import And, Key
from ..search.grammar import CHARSETS, search_keys
from ..search.scan import find
from ..session import Session
from ..view import Selected

AT_ONCE = 64  # headers
FEW = 200  # messages whose headers are read rather than what the agent knows of all around them
SPARSE = 20  # UIDs for one message wanted

_OF_ROW = frozenset(("arrival", "size"))


def search_criteria(session: Session, reader: Reader) -> Key:
    """search-criteria = charset 1*(SP search-key)"""
    charset = reader.astring().upper()
    if charset not in CHARSETS:
        raise No("no such charset", "BADCHARSET (US-ASCII UTF-8)")
    reader.space()
    return And(tuple(search_keys(session, reader)))


def found_columns(
    session: Session, key: Key, columns: tuple[str, ...]
) -> Dialogue[tuple[Selected, list[int], list[list[Any]]]]:
    """The positions of the messages that match, and for each column their values."""
    selected, _ = yield from begin(session, key)
    positions = yield from find(selected, key)
    positions, rows = yield from _rows(selected, positions, columns)
    return selected, positions, [[row[at] for row in rows] for at in range(1, len(columns) + 1)]


def _rows(
    selected: Selected, positions: list[int], columns: tuple[str, ...]
) -> Dialogue[tuple[list[int], list[tuple[Any, ...]]]]:
    """Rows of a UID and the columns; positions of messages that are not there are left out."""
    if not positions or not columns:
        return positions, [(at,) for at in positions]
    uids = [selected.view.uids[at] for at in positions]
    rows: list[tuple[Any, ...]] = []
    if len(uids) > FEW or uids[-1] - uids[0] < SPARSE * len(uids):
        rows = yield from ask(FindOrdering(uids[0], uids[-1], columns), list)
    if [row[0] for row in rows] == uids:
        return positions, rows
    known = {row[0]: row for row in rows}
    missing = [uid for uid in uids if uid not in known]
    for start in range(0, len(missing), AT_ONCE):
        made = yield from _made(missing[start : start + AT_ONCE], columns)
        known |= {row[0]: row for row in made}
    there = [at for at, uid in zip(positions, uids, strict=True) if uid in known]
    return there, [known[uid] for uid in uids if uid in known]


def _made(uids: Sequence[int], columns: tuple[str, ...]) -> Dialogue[list[tuple[Any, ...]]]:
    """The same of messages that the agent has to look at."""
    header = NOTHING if set(columns) <= _OF_ROW else Need.HEADER
    rows: list[Row] = yield from ask(FetchRows(uids, Need.DATE | Need.SIZE | header), list)
    made = []
    for row in rows:
        keys = ordering_keys(row[6] or b"") if header else None
        made.append((row[0], *[_value(row, keys, column) for column in columns]))
    return made


def _value(row: Row, keys: Keys | None, column: str) -> object:
    if column == "arrival":
        return row[1] or 0
    if column == "size":
        return row[2] or 0
    assert keys is not None
    if column == "sent":
        return keys.sent if keys.sent is not None else row[1] or 0
    return keys.references if column == "refs" else getattr(keys, column)


def numbers_of(selected: Selected, positions: Sequence[int], by_uid: bool) -> list[int]:
    """What the client calls the messages at these positions."""
    if by_uid:
        uids = selected.view.uids
        return [uids[at] for at in positions]
    return [at + 1 for at in positions]
