"""Units of work: dialogues with the database.

A unit is a function that returns a generator. The generator yields statements and is resumed with
their rows, so that the same logic runs in the writer's thread, in a reader, and on another
database. A unit touches nothing but the database, since it may be run again; it locks rows in key
order. Its return value is the answer; what it tells goes out after the commit.

    def rename(account: int, old: str, new: str) -> Unit[bool]:
        def unit() -> Work[bool]:
            row = yield from one_of("SELECT id FROM mailbox WHERE account = ?1 ...", account, old)
            ...
        return unit

An exception that leaves a unit undoes it, and reaches whoever submitted it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

#: What a parameter or a column may be.
Value = int | float | str | bytes | None
Row = tuple[Any, ...]


# Statements are not frozen: a frozen instance takes three times as long to make.


@dataclass(slots=True)
class Rows:
    """Run a statement, give its rows."""

    sql: str
    arguments: tuple[Value, ...]


@dataclass(slots=True)
class Run:
    """Run a statement, give the number of rows it changed."""

    sql: str
    arguments: tuple[Value, ...]


@dataclass(slots=True)
class Insert:
    """Run a statement that inserts one row, give the key that the database made for it.

    To have it returned by the statement itself takes SQLite as long again as the insertion.
    """

    sql: str
    arguments: tuple[Value, ...]


@dataclass(slots=True)
class RunMany:
    """Run a statement once for each tuple of arguments."""

    sql: str
    arguments: Sequence[tuple[Value, ...]]


@dataclass(slots=True)
class Tell:
    """After the commit, tell this topic's listeners, in this process and the others."""

    topic: str
    key: int
    value: int


Statement = Rows | Run | Insert | RunMany | Tell
Work = Generator[Statement, Any, T]
Unit = Callable[[], Work[T]]


def rows_of(sql: str, *arguments: Value) -> Work[list[Row]]:
    """All rows of a statement."""
    rows: list[Row] = yield Rows(sql, arguments)
    return rows


def one_of(sql: str, *arguments: Value) -> Work[Row | None]:
    """The first row of a statement, if there is one."""
    rows: list[Row] = yield Rows(sql, arguments)
    return rows[0] if rows else None


def run(sql: str, *arguments: Value) -> Work[int]:
    """The number of rows that a statement changed."""
    changed: int = yield Run(sql, arguments)
    return changed


def insert(sql: str, *arguments: Value) -> Work[int]:
    """The key `id` of the row that a statement inserts."""
    key: int = yield Insert(sql, arguments)
    return key


def run_many(sql: str, arguments: Iterable[tuple[Value, ...]]) -> Work[None]:
    """A statement for each of many tuples of arguments."""
    yield RunMany(sql, list(arguments))


def tell(topic: str, key: int, value: int) -> Work[None]:
    """Once it is durable, tell listeners of `topic` that `key` is at `value`."""
    yield Tell(topic, key, value)
