"""The store as one session writes to it: where it is watched, the session knows its own changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..changes import modseq_of
from ..store import Store
from ..unit import Unit, Work

T = TypeVar("T")

MOST = 100  # ranges that are remembered


def marked(account: int, unit: Unit[T]) -> Unit[tuple[T, int, int]]:
    """The same unit; its answer comes with the mod-sequences of the account before and after it."""

    def whole() -> Work[tuple[T, int, int]]:
        before = yield from modseq_of(account)()
        answer = yield from unit()
        after = yield from modseq_of(account)()
        return answer, before, after

    return whole


class OwnWrites:
    """Writes for one connection; `account` gives the account that has logged in."""

    def __init__(self, store: Store, account: Callable[[], int]) -> None:
        self._store = store
        self._account = account
        self.marks = False  # somebody wants to know which changes are its own
        self._ranges: list[tuple[int, int]] = []  # mod-sequences, first and last

    def write(self, unit: Unit[T], long: bool = False) -> Awaitable[T]:
        """Run a unit; when this is done, it is durable."""
        return self._marked(unit, long) if self.marks else self._store.write(unit, long)

    async def _marked(self, unit: Unit[T], long: bool) -> T:
        answer, before, after = await self._store.write(marked(self._account(), unit), long)
        if after > before:
            self._remember(before + 1, after)
        return answer

    def _remember(self, first: int, last: int) -> None:
        if self._ranges and self._ranges[-1][1] + 1 == first:
            first = self._ranges.pop()[0]
        self._ranges = [*self._ranges[1 - MOST :], (first, last)]

    def is_own(self, modseq: int) -> bool:
        """This session has made the change that bears the mod-sequence."""
        return any(first <= modseq <= last for first, last in self._ranges)

    def forget(self, upto: int) -> None:
        """Nobody will ask about these mod-sequences any more."""
        self._ranges = [each for each in self._ranges if each[1] > upto]
