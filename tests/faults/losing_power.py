"""A run of everything, then a life on each disk that a power failure would have left of it."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from posthouse.runtime.tls import ServerContext

from .disk import Create, Disk, Remains, Sync, SyncDirectory
from .whole_server import Lines, Sinks, make_tls, on, running, set_up
from .whole_way import Judge, People

#: How much of what was not synced is there: nothing, or each sector and name by chance.
VARIANTS = (("everything unsynced is lost", 0.0), ("half of it is there, torn", 0.5))


@dataclass
class Report:
    """What was done, and what it has shown."""

    syncs: Counter[str] = field(default_factory=Counter)  # by what was synced
    writes: int = 0
    letters: int = 0
    relayed: int = 0
    commands: Counter[str] = field(default_factory=Counter)
    points: int = 0
    lives: int = 0
    promises: int = 0  # looked after, over all lives
    again: int = 0  # letters relayed in a life
    again_in_doubt: int = 0  # that a sink had taken before
    wrong: list[str] = field(default_factory=list)


@dataclass
class Stage:
    """Where it happens."""

    folder: Path
    sinks: Sinks
    settings: Path
    tls: ServerContext


def lose_power(
    folder: Path,
    seed: int,
    scale: int,
    most: int = 0,
    tell: Callable[[Report], None] = lambda _: None,
) -> Report:
    """At `most` of the syncs, spread evenly; 0: at all of them."""
    sinks = Sinks(lambda: 0)
    try:
        settings = folder / "settings.toml"
        settings.write_text(sinks.routes)
        stage = Stage(folder, sinks, settings, make_tls(folder))
        disk, judge, report = run(stage, seed, scale)
        points = [at for at, each in enumerate(disk.log) if isinstance(each, Sync | SyncDirectory)]
        points = [at for at in points if at >= disk.adopted]
        step = max(1, len(points) // most) if most else 1
        remains, chance = Remains(disk.log), random.Random(seed)
        for at in sorted({when + after for when in points[::step] for after in (0, 1)}):
            remains.advance(at)
            report.points += 1
            for _, keep in VARIANTS:
                live_again(stage, remains, at, (chance, keep), judge, report)
            tell(report)
    finally:
        sinks.close()
    return report


def run(stage: Stage, seed: int, scale: int) -> tuple[Disk, Judge, Report]:
    """The run that everything is about."""
    directory = stage.folder / "run"
    set_up(directory)

    async def main() -> None:
        async with running(disk, stage.settings, stage.tls, lines) as server:
            people = People(server, disk, seed, scale)
            await people.live()
            judge.promises = people.promises

    with Disk(directory, default=True) as disk, on(disk):
        stage.sinks.position = lambda: disk.position
        lines = Lines(lambda: disk.position)
        judge = Judge(None, [], lines)  # type: ignore[arg-type]
        asyncio.run(main())
    assert not lines.errors, lines.errors
    judge.first, stage.sinks.relayed = stage.sinks.relayed, []
    report = Report(writes=len(disk.log) - disk.adopted)
    names = names_of(disk)
    report.syncs.update(
        names.get(each.file, "a content file") if isinstance(each, Sync) else "a directory"
        for each in disk.log[disk.adopted :]
        if isinstance(each, Sync | SyncDirectory)
    )
    report.letters = sum(1 for each in judge.promises.letters.values() if each.promised)
    report.relayed = len(judge.first)
    report.commands = judge.promises.commands
    return disk, judge, report


def names_of(disk: Disk) -> dict[int, str]:
    """What the files of the databases are called, by number."""
    kinds = {
        "posthouse.db": "the database",
        "posthouse.db-wal": "its write-ahead log",
        "search.db": "the index of searches",
        "search.db-wal": "the index of searches",
    }
    return {
        each.file: kinds[each.name]
        for each in disk.log
        if isinstance(each, Create) and each.name in kinds
    }


def live_again(
    stage: Stage,
    remains: Remains,
    at: int,
    kept: tuple[random.Random, float],
    judge: Judge,
    report: Report,
) -> None:
    """Start on what is left, let it send what waits, and look at everything."""
    target = stage.folder / f"at-{at}-keep-{kept[1]}"
    remains.build(target, *kept)
    stage.sinks.relayed = []

    async def main() -> None:
        async with running(disk, stage.settings, stage.tls, lines) as server:
            await server.until_sent()

    with Disk(target, default=True) as disk, on(disk):
        lines = Lines(lambda: disk.position)
        asyncio.run(main())
        second = list(stage.sinks.relayed)
        wrong = list(judge.wrong(target, at, second))
    report.wrong += [f"{target.name}: {each}" for each in (*wrong, *lines.errors)]
    report.lives += 1
    report.promises += judge.promises.before(at)
    before = {(each.number, each.recipient) for each in judge.first if each.at <= at}
    report.again += len(second)
    report.again_in_doubt += sum(1 for each in second if (each.number, each.recipient) in before)
    shutil.rmtree(target)
