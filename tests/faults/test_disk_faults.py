"""The disk is full, cannot write, or cannot sync: who is refused, what is kept, who goes on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from posthouse.mta.queue.queue import LEASE, Accepted
from posthouse.store import checkpoint
from posthouse.store.contents import prepare
from posthouse.store.database import FILE, StoreUnavailable
from posthouse.store.migrate import migrate
from posthouse.store.unit import Unit, Work, run
from posthouse.store.writer import LARGEST_GROUP

from .checks import check, open_found
from .disk import Disk, Remains, Write
from .house import PATIENCE, House, add_accounts, open_house
from .letters import content_of
from .script import Ledger, Script, Size

SMALL = Size(accounts=2, steps=8, senders=2, letters=4)
LARGE = Size(accounts=3, steps=10, senders=3, letters=5)
WRITES = ("write", "create", "truncate")
SYNCS = ("sync",)


@dataclass
class Failing:
    """Lets the operations of some kinds fail, from the `first` on, `times` times."""

    kinds: tuple[str, ...]
    first: int
    times: int
    error: int
    only: str = ""  # how the file's name ends
    count: int = 0
    failed: int = 0

    def __call__(self, kind: str, name: str) -> None:
        if kind not in self.kinds or not name.endswith(self.only):
            return
        self.count += 1
        if self.count > self.first and self.failed < self.times:
            self.failed += 1
            raise OSError(self.error, "the test's", name)


@dataclass
class Outcome:
    """What a run with a fault has come to."""

    disk: Disk
    ledger: Ledger
    trouble: str = ""
    opened: bool = False


@pytest.fixture(autouse=True)
def frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PAGES", 60)
    monkeypatch.setattr(checkpoint, "SETTLED", 40)


def run_with(directory: Path, failing: Failing, seed: int, size: Size) -> Outcome:
    """A run in which the disk fails; a store without trouble must take something at its end."""
    directory.mkdir()
    ledger = Ledger()

    async def main() -> None:
        async with open_house(disk) as house:
            outcome.opened = True
            await Script(house, ledger, seed, size).run()
            disk.fault = None
            outcome.trouble = house.store.trouble
            await takes_or_says_why(house)

    with Disk(directory) as disk:
        outcome = Outcome(disk, ledger)
        disk.fault = failing
        try:
            asyncio.run(main())
        except (apsw.Error, OSError, StoreUnavailable):
            # No server comes of a first start that fails.
            assert not outcome.opened or ledger.opened < 0
    assert not ledger.failures
    return outcome


def note(what: str) -> Unit[None]:
    """Something small, of no account."""

    def unit() -> Work[None]:
        yield from run("INSERT INTO fact VALUES (?1, '')", what)

    return unit


async def takes_or_says_why(house: House) -> None:
    """What a store does once its disk works again."""
    if house.store.trouble:
        with pytest.raises(StoreUnavailable, match="start again"):
            await house.store.write(note("again"))
        assert "start again" in house.store.trouble
    else:
        await house.store.write(note("again"))


def look_at(tmp_path: Path, outcome: Outcome, chance: random.Random, lenient: bool) -> None:
    """Start anew: after the process alone has ended, after the power has gone too."""
    at = outcome.disk.position
    for keep in (1.0, 0.0, 0.5):
        target = tmp_path / f"keep-{keep}"
        Remains(outcome.disk.log, drops=keep < 1.0).advance(at).build(target, chance, keep)
        wrong = come_back(target, outcome.ledger, at, lenient and keep == 0.5)
        assert not wrong, f"{target}: " + "\n".join(wrong)
        shutil.rmtree(target)


def come_back(directory: Path, ledger: Ledger, at: int, lenient: bool) -> list[str]:
    async def main() -> list[str]:
        async with open_house(disk) as house:
            await house.delivered()
            found = open_found(directory, disk.vfs)
            with closing(found.connection):
                return check(found, ledger, at, lenient).wrong + house.log.errors

    with Disk(directory) as disk:
        return asyncio.run(main())


Arrange = Callable[[int], Failing]


def fail_at(tmp_path: Path, arrange: Arrange, size: Size, step: int) -> tuple[int, int]:
    """A run for each operation that may fail, or every `step`th; how many, and how many broke."""
    chance = random.Random(step)
    first, runs, broken = 0, 0, 0
    while True:
        failing = arrange(first)
        directory = tmp_path / f"run-{first}"
        outcome = run_with(directory, failing, 1 + first, size)
        if not failing.failed:
            return runs, broken
        runs += 1
        broken += bool(outcome.trouble)
        look_at(tmp_path, outcome, chance, lenient=bool(outcome.trouble))
        shutil.rmtree(directory)
        first += step


def full(first: int) -> Failing:
    """No room for a while."""
    return Failing(WRITES, first, 1 + first % 7, errno.ENOSPC)


def cannot_write(first: int) -> Failing:
    return Failing(WRITES, first, 1, errno.EIO)


def cannot_sync(first: int) -> Failing:
    return Failing(SYNCS, first, 1, errno.EIO)


FAULTS = {"full": (full, 7), "write": (cannot_write, 7), "sync": (cannot_sync, 1)}


@pytest.mark.parametrize("fault", FAULTS)
def test_attack_62_a_fault_here_and_there(tmp_path: Path, fault: str) -> None:
    arrange, step = FAULTS[fault]
    runs, broken = fail_at(tmp_path, arrange, SMALL, step)
    print(f"{fault}: {runs} runs, {broken} stores stopped")
    assert runs
    assert (broken > 0) == (fault != "full")


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_everywhere(tmp_path: Path, fault: str) -> None:
    runs, broken = fail_at(tmp_path, FAULTS[fault][0], LARGE, 1)
    print(f"{fault}: {runs} runs, {broken} stores stopped")


def note_many(
    directory: Path, failing: Failing, count: int
) -> tuple[list[BaseException | None], str]:
    """Submit many units at once while the log cannot be written; what came of each."""

    async def main() -> tuple[list[BaseException | None], str]:
        async with open_house(disk) as house:
            disk.fault = failing
            done = await asyncio.gather(
                *(house.store.write(note(f"n{n}")) for n in range(count)),
                return_exceptions=True,
            )
            disk.fault = None
            await takes_or_says_why(house)
            return done, house.store.trouble

    with Disk(directory) as disk:
        return asyncio.run(main())


def test_after_a_failed_sync_those_who_wait_are_refused_too(tmp_path: Path) -> None:
    done, trouble = note_many(
        tmp_path, Failing(SYNCS, 0, 1, errno.EIO, only="-wal"), 3 * LARGEST_GROUP
    )
    assert {type(each) for each in done} == {StoreUnavailable}
    assert "check the disk" in trouble


def test_a_group_that_found_no_room_is_tried_one_by_one(tmp_path: Path) -> None:
    done, trouble = note_many(
        tmp_path, Failing(WRITES, 1, 1, errno.ENOSPC, only="-wal"), LARGEST_GROUP
    )
    assert done == [None] * LARGEST_GROUP
    assert not trouble


def fill(number: int) -> Unit[None]:
    """Some pages of the database."""

    def unit() -> Work[None]:
        yield from run("INSERT INTO fact VALUES (?1, ?2)", f"fill {number}", str(number) * 30_000)

    return unit


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  what changes it is a thread
            await asyncio.sleep(0.001)


async def checkpoint_in_two_parts(disk: Disk, failing: Failing) -> int:
    """The first copies some pages and need not sync; the sync of the second fails.

    Gives how many fills were promised.
    """
    path = str(disk.root / FILE)

    def copied() -> bool:
        writes = [entry for entry in disk.log[before:] if isinstance(entry, Write)]
        return any(write.file == disk.file(path) for write in writes)

    async with open_house(disk) as house:
        write = house.store.write
        with (
            closing(apsw.Connection(path, vfs=disk.vfs)) as early,
            closing(apsw.Connection(path, vfs=disk.vfs)) as later,
        ):
            early.execute("BEGIN; SELECT 1 FROM fact").fetchall()
            await write(fill(0))
            await write(fill(1))
            later.execute("BEGIN; SELECT 1 FROM fact").fetchall()
            early.execute("COMMIT")
            before = disk.position
            await write(fill(2))
            await until(copied)
            later.execute("COMMIT")
            disk.fault = failing
            await write(fill(3))
            await until(lambda: failing.failed)
            promised = 4
            with contextlib.suppress(StoreUnavailable):
                while promised < 20:
                    await write(fill(promised))
                    promised += 1
        assert "check the disk" in house.store.trouble
        return promised


def test_after_a_checkpoint_that_failed_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "PAGES", 1)
    directory = tmp_path / "run"
    directory.mkdir()
    with Disk(directory) as disk:
        migrate(directory, disk.vfs)
        promised = asyncio.run(
            checkpoint_in_two_parts(disk, Failing(SYNCS, 0, 1, errno.EIO, only=FILE))
        )
    Remains(disk.log).advance(disk.position).build(tmp_path / "back")
    found = open_found(tmp_path / "back")
    with closing(found.connection):
        assert not list(found.wrong())
        assert found.rows("SELECT count(*) FROM fact WHERE name LIKE 'fill %'") == [(promised,)]


def test_attack_62_what_there_was_no_room_to_deliver_waits_for_room_alone(tmp_path: Path) -> None:
    """It is delivered as soon as there is room, and not only when its lease has run out."""
    content = content_of(1)

    async def main() -> None:
        async with open_house(disk) as house:
            await house.store.write(lambda: add_accounts(1))
            failing = Failing(WRITES, 0, 1_000_000, errno.ENOSPC)
            deliver = house.queue.deliver
            assert deliver is not None

            def without_room(accepted: Accepted) -> None:
                disk.fault = failing
                deliver(accepted)

            house.queue.deliver = without_room
            await house.accept(prepare(content), content, (1,))
            await until(lambda: failing.failed)
            disk.fault = None
            await house.delivered()

    assert PATIENCE < LEASE
    with Disk(tmp_path) as disk:
        asyncio.run(main())
