"""The power fails at every moment that matters: what was promised is there, and is there once."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from posthouse.message.summary import summarise
from posthouse.store import checkpoint
from posthouse.store.contents import prepare
from posthouse.store.mailboxes import create_mailbox
from posthouse.store.messages.append import append_message

from .checks import check, open_found
from .disk import Disk, Remains, Sync, SyncDirectory
from .house import House, open_house
from .letters import content_of
from .script import Ledger, Script, Size

KEEP = (0.2, 0.5, 0.9, 1.0)  # how probably an unsynced sector survives


@dataclass
class Report:
    """What a test has looked at."""

    entries: int = 0
    points: int = 0
    disks: int = 0
    promises: int = 0

    def __str__(self) -> str:
        return (
            f"{self.entries} writes, syncs and names; {self.points} moments, {self.disks} disks"
            f" rebuilt; {self.promises} promises looked after"
        )


@pytest.fixture(autouse=True)
def frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some in each run, also such that reach the end of the log while others write."""
    monkeypatch.setattr(checkpoint, "PAGES", 60)
    monkeypatch.setattr(checkpoint, "SETTLED", 40)


def run_script(directory: Path, seed: int, size: Size) -> tuple[Disk, Ledger]:
    """A whole run, from the first start to an orderly end."""
    directory.mkdir()
    ledger = Ledger()

    async def main() -> None:
        async with open_house(disk) as house:
            await Script(house, ledger, seed, size).run()
            await house.delivered()
            assert not house.log.errors

    with Disk(directory) as disk:
        asyncio.run(main())
    assert not ledger.failures
    assert not ledger.unavailable
    return disk, ledger


def moments(disk: Disk, ledger: Ledger, chance: random.Random, between: int) -> Iterator[int]:
    """Before and after each sync, at each promise, and a sample of what lies between."""
    found = set(ledger.promises()) | {0, len(disk.log)}
    for at, entry in enumerate(disk.log):
        if isinstance(entry, Sync | SyncDirectory):
            found |= {at, at + 1}
    rest = sorted(set(range(len(disk.log))) - found)
    found.update(chance.sample(rest, min(between, len(rest))))
    yield from sorted(found)


async def probe(house: House, ledger: Ledger, at: int) -> list[str]:
    """What is given out from now on is beyond what was promised."""
    wrong = []
    for account in ledger.steps if 0 <= ledger.opened <= at else ():
        content = content_of(account)
        filed = await house.store.write(
            append_message(account, "INBOX", prepare(content[:500]), summarise(content), 1, "")
        )
        told = [each for each in ledger.told if each.account == account and each.at <= at]
        steps = [step for step in ledger.steps[account] if step.at <= at]
        if told and filed.uid <= max(each.uid for each in told):
            wrong.append(f"UID {filed.uid} of INBOX {account} was told before")
        promised = [row[9] for step in steps for row in step.dump[0]]
        if filed.modseq <= max(promised + [each.modseq for each in told]):
            wrong.append(f"mod-sequence {filed.modseq} of account {account} was told before")
        made = await house.store.write(create_mailbox(account, "Probe", 1))
        if made.uid_validity <= max(row[4] for step in steps for row in step.dump[0]):
            wrong.append(f"UIDVALIDITY {made.uid_validity} of account {account} was told before")
    return wrong


def come_back(
    directory: Path, ledger: Ledger, at: int, report: Report, probing: bool = True
) -> Disk:
    """Start on what is left, let it deliver, look at it; gives the log of that."""

    async def main() -> list[str]:
        async with open_house(disk) as house:
            await house.delivered()
            found = open_found(directory, disk.vfs)
            with closing(found.connection):
                verdict = check(found, ledger, at)
            report.promises += verdict.promises
            wrong = verdict.wrong + house.log.errors
            return wrong or (await probe(house, ledger, at) if probing else [])

    report.disks += 1
    with Disk(directory) as disk:
        wrong = asyncio.run(main())
    assert not wrong, f"{directory}: " + "\n".join(wrong)
    return disk


def lose_power_everywhere(
    tmp_path: Path, seed: int, size: Size, between: int, again: bool = False
) -> Report:
    """`again`: at some moment of coming back, the power fails once more."""
    disk, ledger = run_script(tmp_path / "run", seed, size)
    chance = random.Random(seed)
    remains, report = Remains(disk.log), Report(len(disk.log))
    for at in moments(disk, ledger, chance, between):
        remains.advance(at)
        report.points += 1
        for keep in (0.0, chance.choice(KEEP)):
            target = tmp_path / f"seed-{seed}-at-{at}-keep-{keep}"
            remains.build(target, chance, keep)
            back = come_back(target, ledger, at, report, probing=not again)
            shutil.rmtree(target)
            if again:
                second = Remains(back.log).advance(chance.randint(back.adopted, len(back.log)))
                second.build(target, chance, chance.choice((0.0, *KEEP)))
                come_back(target, ledger, at, report)
                shutil.rmtree(target)
    return report


def test_attack_61_power_lost_at_every_sync(tmp_path: Path) -> None:
    report = lose_power_everywhere(tmp_path, 1, Size(4, 30, 4, 12), between=100)
    print(report)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 8))
def test_power_lost_everywhere(tmp_path: Path, seed: int) -> None:
    """Longer runs, many moments beside the syncs, and a second time while coming back."""
    report = lose_power_everywhere(tmp_path, seed, Size(5, 40, 6, 20), between=500, again=True)
    print(report)
