"""Brings the database to the schema of this program: numbered files, each in one transaction.

Run in a process that serves nothing. An existing database is copied first, by SQLite's backup
interface, so that an upgrade can be taken back.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import apsw

from .blobs.files import FileLayer
from .database import FILE, connect
from .directory import ON_DISK, make_directory
from .turnstile import Turnstile

BACKUP_STEP = 2048  # pages


class SchemaTooNew(Exception):
    """The database was made by a newer Posthouse."""


def schemas() -> list[tuple[int, str]]:
    """The numbered schema files, in order."""
    folder = resources.files(__package__) / "schema"
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name.removesuffix(".sql")), entry.read_text()) for entry in files)


def migrate(directory: Path, vfs: str | None = None, layer: FileLayer = ON_DISK) -> bool:
    """Make or upgrade the database of `directory`. True if anything was done.

    Raises SchemaTooNew, apsw.Error, OSError.
    """
    make_directory(directory, layer)
    turnstile = Turnstile(directory)
    try:
        with turnstile:
            connection = connect(directory, vfs)
            try:
                return _migrate(connection, directory, vfs)
            finally:
                connection.close()
    finally:
        turnstile.close()


def _migrate(connection: apsw.Connection, directory: Path, vfs: str | None) -> bool:
    version = connection.pragma("user_version")
    assert isinstance(version, int)
    known = schemas()
    newest = known[-1][0]
    if version > newest:
        raise SchemaTooNew(
            f"{directory / FILE} has schema {version}, this Posthouse knows {newest}: "
            "start the newer Posthouse that made it, or restore the copy from before the upgrade"
        )
    if version == newest:
        return False
    if version:
        backup(connection, directory / f"{FILE}.schema-{version}", vfs)
    for number, sql in known:
        if number > version:
            with connection:
                connection.execute(sql).fetchall()
                connection.pragma("user_version", number)
    return True


def backup(connection: apsw.Connection, target: Path, vfs: str | None = None) -> None:
    """Copy the database into the file `target`, which is made anew."""
    target.unlink(missing_ok=True)
    copy = apsw.Connection(str(target), vfs=vfs)
    try:
        with copy.backup("main", connection, "main") as work:
            while not work.done:
                work.step(BACKUP_STEP)
    finally:
        copy.close()
