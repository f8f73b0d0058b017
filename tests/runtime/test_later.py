"""An answer that comes later: told at once, once, to whoever waits."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.runtime.later import Later


def told(later: Later[int]) -> list[object]:
    seen: list[object] = []
    later.then(lambda answer, error: seen.append(answer if error is None else error))
    return seen


@pytest.mark.parametrize("first", [False, True])
def test_who_waits_is_called_once(first: bool) -> None:
    later: Later[int] = Later()
    if first:
        later.give(7)
    seen = told(later)
    if not first:
        assert seen == []
        later.give(7)
    assert seen == [7]


def test_who_does_not_wait_any_more_is_not_called() -> None:
    later: Later[int] = Later()
    seen = told(later)
    later.cancel()
    later.give(7)
    assert seen == []


def test_a_failure_is_told() -> None:
    later: Later[int] = Later()
    seen = told(later)
    failure = OSError("the disk")
    later.fail(failure)
    assert seen == [failure]


def test_what_is_made_of_an_answer() -> None:
    later: Later[int] = Later()
    seen = told(later.map(lambda number: number + 1))
    later.give(7)
    assert seen == [8]


def test_what_cannot_be_made_of_an_answer() -> None:
    later: Later[int] = Later()
    seen = told(later.map(lambda number: number // 0))
    later.give(7)
    assert isinstance(seen[0], ZeroDivisionError)


def test_a_failure_goes_through() -> None:
    later: Later[int] = Later()
    seen = told(later.map(lambda number: number + 1))
    failure = OSError("the disk")
    later.fail(failure)
    assert seen == [failure]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_a_coroutine_may_wait(first: bool, fails: bool) -> None:
    later: Later[int] = Later()

    def settle() -> None:
        if fails:
            later.fail(OSError("the disk"))
        else:
            later.give(7)

    async def wait() -> int:
        if first:
            settle()
        else:
            asyncio.get_running_loop().call_soon(settle)
        return await later

    if fails:
        with pytest.raises(OSError, match="the disk"):
            asyncio.run(wait())
    else:
        assert asyncio.run(wait()) == 7


def test_a_coroutine_that_waits_may_be_cancelled() -> None:
    later: Later[int] = Later()

    async def wait() -> None:
        task = asyncio.ensure_future(later)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        later.give(7)

    asyncio.run(wait())
    assert later.done
