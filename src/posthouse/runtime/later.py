"""An answer that comes later, without a future: who waits is called as soon as it is given.

A future has its callbacks called by the loop, a turn later, and a coroutine that waits for one is
a task beside. Where nothing else is done meanwhile, as while a letter is committed, that costs
more than what it is for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")

Then = Callable[[T | None, BaseException | None], None]


class Later(Generic[T]):
    """An answer, or why there is none; given once, to one who waits."""

    __slots__ = ("_answer", "_error", "_then", "cancelled", "done")

    def __init__(self) -> None:
        self.done = False
        self.cancelled = False  # nobody waits any more
        self._answer: T | None = None
        self._error: BaseException | None = None
        self._then: Then[T] | None = None

    def give(self, answer: T) -> None:
        """Here it is."""
        self._settle(answer, None)

    def fail(self, error: BaseException) -> None:
        """There is none."""
        self._settle(None, error)

    def _settle(self, answer: T | None, error: BaseException | None) -> None:
        assert not self.done, "it was given already"
        self.done, self._answer, self._error = True, answer, error
        if self._then is not None:
            self._tell(self._then)

    def then(self, call: Then[T]) -> None:
        """Have `call(answer, error)` called once: right here, if it was given already."""
        assert self._then is None, "somebody waits already"
        self._then = call
        if self.done:
            self._tell(call)

    def _tell(self, call: Then[T]) -> None:
        if not self.cancelled:
            call(self._answer, self._error)

    def cancel(self) -> None:
        """Have nobody called. What it is the answer of goes on."""
        self.cancelled = True

    def map(self, make: Callable[[T], U]) -> Later[U]:
        """What is made of the answer when it comes."""
        made: Later[U] = Later()

        def call(answer: T | None, error: BaseException | None) -> None:
            if error is not None:
                made.fail(error)
                return
            try:
                result = make(answer)  # type: ignore[arg-type]  # None only if T is
            except Exception as failure:  # noqa: BLE001  who waits for it is told
                made.fail(failure)
            else:
                made.give(result)

        self.then(call)
        return made

    def __await__(self) -> Generator[object, None, T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def call(answer: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(answer)  # type: ignore[arg-type]
            else:
                future.set_exception(error)

        self.then(call)
        return (yield from future)


#: An answer that comes later, in either way.
Awaited = asyncio.Future[T] | Later[T]
