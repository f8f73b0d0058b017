"""The numbered schema files, and the copy before an upgrade."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from posthouse.store import migrate as module
from posthouse.store.database import FILE
from posthouse.store.migrate import SchemaTooNew, migrate, schemas

NEWEST = schemas()[-1][0]
COPY = f"{FILE}.schema-{NEWEST}"


def upgrade_by(monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    """The next program, with one schema file more."""
    known = [*schemas(), (NEWEST + 1, sql)]
    monkeypatch.setattr(module, "schemas", lambda: known)


def found(path: Path) -> tuple[object, list[object]]:
    """The version of a database, and the domains in it."""
    connection = apsw.Connection(str(path))
    try:
        rows = connection.execute("SELECT name FROM domain").fetchall()
        return connection.pragma("user_version"), [name for (name,) in rows]
    finally:
        connection.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    assert migrate(tmp_path)
    connection = apsw.Connection(str(tmp_path / FILE))
    connection.execute("INSERT INTO domain VALUES ('a.example', 0)")
    connection.close()
    return tmp_path


def test_what_is_current_is_let_alone(data: Path) -> None:
    assert not migrate(data)
    assert not (data / COPY).exists()


def test_an_upgrade_begins_with_a_copy(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade_by(monkeypatch, "DELETE FROM domain; CREATE TABLE more (x INTEGER)")
    assert migrate(data)
    assert found(data / FILE) == (NEWEST + 1, [])
    assert found(data / COPY) == (NEWEST, ["a.example"])
    assert not migrate(data)


def test_the_domain_of_an_account_is_found_by_the_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = schemas()
    with monkeypatch.context() as older:
        older.setattr(module, "schemas", lambda: [each for each in known if each[0] < 7])
        assert migrate(tmp_path)
    connection = apsw.Connection(str(tmp_path / FILE))
    for address in ("ann@a.example", '"x@y"@b.example', "c+d@c.example"):
        connection.execute(
            "INSERT INTO account (address, password, created) VALUES (?1, '', 0)", (address,)
        )
    connection.close()
    assert migrate(tmp_path)
    connection = apsw.Connection(str(tmp_path / FILE))
    rows = connection.execute("SELECT domain FROM account ORDER BY id").fetchall()
    connection.close()
    assert rows == [("a.example",), ("b.example",), ("c.example",)]


def test_an_upgrade_that_fails_changes_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade_by(monkeypatch, "DELETE FROM domain; CREATE TABLE domain (x INTEGER)")
    with pytest.raises(apsw.SQLError):
        migrate(data)
    assert found(data / FILE) == (NEWEST, ["a.example"])


def test_a_newer_database_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        upgrade_by(newer, "CREATE TABLE more (x INTEGER)")
        assert migrate(data)
    with pytest.raises(SchemaTooNew, match=f"has schema {NEWEST + 1}"):
        migrate(data)


def test_a_file_system_without_shared_memory_is_refused(tmp_path: Path) -> None:
    """SQLite would keep a journal of another kind, during whose writes nobody can read."""
    with pytest.raises(OSError, match=r"write-ahead log.*posthouse\.db"):
        migrate(tmp_path, "unix-dotfile")
