"""Columns of orderings that a process keeps: what messages are sorted by never changes."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from .index import LAST_UID, Index, Known

KEPT = 300_000  # values, of all mailboxes


@dataclass(slots=True)
class Column:
    """One value for each of these messages, in ascending order of their UIDs."""

    uids: array[int] = field(default_factory=lambda: array("I"))
    values: list[object] = field(default_factory=list)


class KeptColumns:
    """Those used least go first. A column is read on from where it ends."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._size = 0
        self._columns: OrderedDict[tuple[int, str], Column] = OrderedDict()

    def get(self, index: Index, known: Known, names: Sequence[str]) -> list[Column]:
        """These columns, of all messages of a mailbox up to its mark. Raises Damaged."""
        columns = [self._taken((known.number, name)) for name in names]
        if any(column.uids != columns[0].uids for column in columns):
            columns = [Column() for _ in names]  # they were not read together
        end = columns[0].uids[-1] if columns[0].uids else 0
        if end < known.mark:
            self._read_on(index, known, end, names, columns)
        for name, column in zip(names, columns, strict=True):
            self._columns[known.number, name] = column
            self._size += len(column.values)
        while self._size > self._most and len(self._columns) > len(names):
            _, oldest = self._columns.popitem(last=False)
            self._size -= len(oldest.values)
        return columns

    def _taken(self, key: tuple[int, str]) -> Column:
        column = self._columns.pop(key, None)
        if column is None:
            return Column()
        self._size -= len(column.values)
        return column

    def _read_on(
        self, index: Index, known: Known, end: int, names: Sequence[str], columns: list[Column]
    ) -> None:
        rows = index.ordering(known, end + 1, LAST_UID, names)
        if not rows:
            return
        uids, *values = zip(*rows, strict=True)
        # A new one each time: whoever was given the old one may still look at it.
        for at, (column, more) in enumerate(zip(columns, values, strict=True)):
            columns[at] = Column(column.uids + array("I", uids), [*column.values, *more])
