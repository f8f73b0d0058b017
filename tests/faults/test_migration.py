"""The power fails in the middle of an upgrade: nothing is lost, and there is a way back."""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from posthouse.store import migrate as module
from posthouse.store.database import FILE
from posthouse.store.migrate import migrate, schemas

from .disk import Disk, Remains, Sync, SyncDirectory

KNOWN = schemas()
NEWEST = KNOWN[-1][0]
OLD = 3
COPY = f"{FILE}.schema-{OLD}"
ROWS = 400


def state(path: Path) -> tuple[object, object]:
    """The version of a database, and what is in it."""
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT count(*), sum(length(value)) FROM fact").fetchall()
        return connection.pragma("user_version"), rows[0]


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of an older schema, with something in it."""
    directory = tmp_path / "old"
    with monkeypatch.context() as older:
        older.setattr(module, "schemas", lambda: [each for each in KNOWN if each[0] <= OLD])
        migrate(directory)
    with closing(apsw.Connection(str(directory / FILE))) as connection:
        for number in range(ROWS):
            connection.execute("INSERT INTO fact VALUES (?1, ?2)", (str(number), "x" * 500))
    return directory


def moments(disk: Disk) -> list[int]:
    """Around each sync, and some between."""
    syncs = [at for at, each in enumerate(disk.log) if isinstance(each, Sync | SyncDirectory)]
    around = {at + step for at in syncs for step in (0, 1) if at >= disk.adopted}
    return sorted(around | set(range(disk.adopted, disk.position, 9)) | {disk.position})


def test_attack_68_an_upgrade_is_interrupted(old: Path, tmp_path: Path) -> None:
    """At each moment: the old state or a newer one, whole; then it goes on; and the copy is whole
    before anything of the original changes."""
    _, rows = state(old / FILE)
    with Disk(old) as disk:
        assert migrate(old, disk.vfs)
    chance, seen, remains = random.Random(68), set(), Remains(disk.log)
    for at in moments(disk):
        remains.advance(at)
        for keep in (0.0, 0.5):
            target = tmp_path / f"at-{at}-{keep}"
            remains.build(target, chance, keep)
            version, found = state(target / FILE)
            seen.add(version)
            assert found[1] >= rows[1]  # type: ignore[index]
            if version != OLD:
                assert state(target / COPY) == (OLD, rows)
            migrate(target)
            assert state(target / FILE)[0] == NEWEST
            shutil.rmtree(target)
    assert OLD in seen
    assert NEWEST in seen


def test_attack_68_the_way_back(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/how-to/backup.md says: the copy takes the place of what was upgraded."""
    _, rows = state(old / FILE)
    assert migrate(old)
    for name in (FILE, f"{FILE}-wal"):
        (old / name).unlink(missing_ok=True)
    (old / COPY).rename(old / FILE)
    monkeypatch.setattr(module, "schemas", lambda: [each for each in KNOWN if each[0] <= OLD])
    assert not migrate(old)
    assert state(old / FILE) == (OLD, rows)
