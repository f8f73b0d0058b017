"""A queue without a server: units of work on a database of its own, which may die half-way."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from posthouse.accounts.accounts import add_account
from posthouse.accounts.domains import add_domain
from posthouse.store.direct import DirectStore
from posthouse.store.migrate import migrate
from posthouse.store.unit import Unit, Work

T = TypeVar("T")

NOON = 1_800_000_000


class Died(Exception):
    """The process has ended in the middle of a unit."""


def dying(unit: Unit[T], after: int) -> Unit[T]:
    """The same unit, which dies before its statement number `after` (from 0), if it has one."""

    def work() -> Work[T]:
        inner = unit()
        given: Any = None
        for step in range(1_000_000):
            try:
                statement = inner.send(given)
            except StopIteration as stop:
                answer: T = stop.value
                return answer
            if step == after:
                raise Died
            given = yield statement
        raise AssertionError("endless")

    return work


def statements(store: DirectStore, unit: Unit[object]) -> int:
    """How many statements a unit has now; its effect is undone. 0 if it does not end well."""
    count = 0

    def counting() -> Work[None]:
        nonlocal count
        inner = unit()
        given: Any = None
        while True:
            try:
                statement = inner.send(given)
            except StopIteration:
                raise Died from None
            count += 1
            given = yield statement

    with suppress(Died):
        store.write(counting)
    return count


def found(directory: Path) -> DirectStore:
    """A site with the domain a.example and the account ann@a.example, number 1."""
    migrate(directory)
    store = DirectStore(directory)
    store.write(add_domain("a.example", 0))
    store.write(add_account("ann@a.example", "", 0))
    return store
