"""SORT (RFC 5256 §3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...dialogue import Dialogue, send
from ..extension import Command, Tells
from ..grammar import Reader
from ..result import Bad
from ..search.answers import keep_answer, kept_answer, numbers_of
from ..search.begin import highest, tells_modseq
from ..search.columns import columns_of
from ..session import IN_MAILBOX, Session
from ..sorting.criteria import found, search_criteria

#: sort-key, and the column that it stands for
KEYS: Mapping[str, str] = {
    "ARRIVAL": "arrival",
    "CC": "copied",
    "DATE": "sent",
    "FROM": "author",
    "SIZE": "size",
    "SUBJECT": "subject",
    "TO": "recipient",
}
MOST = 20  # criteria


def sort(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """sort = ["UID" SP] "SORT" SP sort-criteria SP search-criteria"""
    reader.space()
    keys = dict(KEYS)
    for extension in session.extensions:
        keys.update(extension.sort_keys)
    criteria = reader.list(lambda: _criterion(reader, keys))
    if not 0 < len(criteria) <= MOST:
        raise Bad("expected some sort criteria")
    reader.space()
    key = search_criteria(session, reader)
    selected, positions, progress = yield from found(session, key)
    asked = ("SORT", tuple(criteria), by_uid)
    said = kept_answer(selected.view, positions, asked)
    if said is None:
        columns = tuple(dict.fromkeys(column for column, _ in criteria))
        positions, values = yield from columns_of(selected, positions, columns, progress)
        order = _order(len(positions), criteria, dict(zip(columns, values, strict=True)))
        numbers = numbers_of(selected, positions, by_uid)
        said = " ".join(["* SORT", *[str(numbers[at]) for at in order]]).encode("ascii")
        keep_answer(selected.view, positions, asked, said)
    if positions and tells_modseq(key):
        said += b" (MODSEQ %d)" % highest(selected, positions)
    yield from send(said + b"\r\n")
    return "sorted"


def _order(
    count: int, criteria: Sequence[tuple[str, bool]], columns: Mapping[str, Sequence[Any]]
) -> list[int]:
    order = list(range(count))
    for column, reverse in reversed(criteria):  # each leaves equal ones in the order before
        order.sort(key=columns[column].__getitem__, reverse=reverse)
    return order


def uid_sort(session: Session, reader: Reader) -> Dialogue[str]:
    return (yield from sort(session, reader, by_uid=True))


def _criterion(reader: Reader, keys: Mapping[str, str]) -> tuple[str, bool]:
    """sort-criterion = ["REVERSE" SP] sort-key"""
    reverse = reader.accept(b"REVERSE ")
    column = keys.get(reader.atom().upper())
    if column is None:
        raise Bad("no such sort criterion")
    return column, reverse


SORT = Command(sort, IN_MAILBOX, Tells.NO_EXPUNGE, by_number=True)
