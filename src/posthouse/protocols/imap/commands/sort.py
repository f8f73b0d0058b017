"""SORT (RFC 5256 §3)."""

from __future__ import annotations

from collections.abc import Mapping

from ...dialogue import Dialogue, send
from ..extension import Command, Tells
from ..grammar import Reader
from ..result import Bad
from ..search.begin import highest, tells_modseq
from ..session import IN_MAILBOX, Session
from ..sorting.columns import found_columns, numbers_of, search_criteria

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
    columns = tuple(dict.fromkeys(column for column, _ in criteria))
    selected, positions, values = yield from found_columns(session, key, columns)
    by_name = dict(zip(columns, values, strict=True))
    order = list(range(len(positions)))
    for column, reverse in reversed(criteria):  # each leaves equal ones in the order before
        order.sort(key=by_name[column].__getitem__, reverse=reverse)
    numbers = numbers_of(selected, [positions[at] for at in order], by_uid)
    line = " ".join(["* SORT", *map(str, numbers)])
    if numbers and tells_modseq(key):
        line += f" (MODSEQ {highest(selected, positions)})"
    yield from send(line.encode("ascii") + b"\r\n")
    return "sorted"


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
