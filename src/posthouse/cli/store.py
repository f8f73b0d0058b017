"""posthouse store: look through all that is kept, copy it, and come back from a copy."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from ..mua.cli.house import Refused, data_option, house, json_option, print_list, refusing
from .config import config_options, load_settings


@click.group()
def store() -> None:
    """The database and the files: check them, back them up, restore them."""


@store.command("check")
@json_option
@data_option
def check(as_json: bool) -> None:
    """Look through everything for damage, beside a running server or without one.

    Each content is read and compared with what was written, each counter with what it counts, the
    index of searches with itself. Exit status 1: something is wrong; what, and whose, is told.

    \b
    posthouse store check
    """
    from ..store.checking import Checker

    directory = house().data
    with house().open(), refusing():  # there is one, of this program's schema
        checker = Checker(directory)
    try:
        rows: list[dict[str, object]] = [
            {"wrong": found.what, "where": found.where} for found in checker.findings()
        ]
    finally:
        checker.close()
    rows += _look_at_index(directory)
    print_list(rows, ("wrong", "where"), as_json, f"{checker.contents} contents, all is well")
    if rows:
        raise Refused(
            f"{len(rows)} things are wrong; copy the data directory before you change anything"
        )


def _look_at_index(directory: Path) -> list[dict[str, object]]:
    from ..store.search.index import Damaged, Index, path

    if not path(directory).exists():
        return []
    try:
        index = Index(directory)
        try:
            index.check()
        finally:
            index.close()
    except Damaged as damage:
        told = "posthouse search rebuild makes it anew"
        return [{"wrong": "the index of searches is damaged", "where": f"{damage}; {told}"}]
    return []


@store.command("backup")
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@config_options
@data_option
def backup(target: Path, file: Path | None, overrides: tuple[str, ...]) -> None:
    """Copy everything into the folder TARGET, beside a running server or without one.

    The database is copied as it is at one moment, then the large contents, then settings and keys.
    Files that an earlier backup has left in TARGET are kept: only what is new is copied. What the
    settings name outside the data directory is not copied, but listed.

    \b
    posthouse store backup /backup/posthouse
    """
    from ..store.copying import back_up

    data = house().data
    with house().open(), refusing():  # there is one, of this program's schema
        pass
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _nobody_serves(target, data):
            copied = back_up(data, target)
        left = _copy_settings(data, target, file, overrides)
    except OSError as error:
        raise Refused(f"{error.filename or target}: {error.strerror}") from None
    click.echo(f"copied the database and {copied} files to {target}")
    for each in left:
        click.echo(f"not in the copy: {each}", err=True)


def _copy_settings(
    data: Path, target: Path, file: Path | None, overrides: tuple[str, ...]
) -> list[str]:
    """Settings, keys and what the settings name, to their places; what is not copied."""
    from ..config.description import named_files

    data, left = Path(os.path.normpath(data.absolute())), []
    paths = {*data.glob("*.toml"), *data.glob("certificate.*"), *data.glob("*.key")}
    if file is not None:
        left.append(f"{file} (the settings)")
    try:
        named = {key: name for key, name in named_files(load_settings(file, overrides)) if name}
    except Refused as wrong:
        left.append(f"what the settings name: {wrong}")
        named = {}
    for key, name in named.items():
        path = Path(os.path.normpath(data / name))
        if not path.is_relative_to(data):
            left.append(f"{path} ({key})")
        elif path.is_file():
            paths.add(path)
        else:
            left.append(f"{path} ({key}): there is no such file")
    for path in sorted(paths):
        there = target / path.relative_to(data)
        there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy_secret(path, there)
    return left


def _copy_secret(path: Path, there: Path) -> None:
    """Nobody else can read the copy, until it has the mode of what it is copied from."""
    part = there.with_name(f"{there.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    shutil.copyfile(path, part)
    shutil.copystat(path, part)
    part.replace(there)


@contextmanager
def _nobody_serves(target: Path, data: Path) -> Iterator[None]:
    """The database in `target` is replaced: no server may have it open."""
    from ..runtime.lock import AlreadyServed, DataLock

    if target.samefile(data):
        raise Refused(f"{target} is the data directory; name another folder")
    if not (target / "run").is_dir():
        yield
        return
    try:
        lock = DataLock(target)
    except AlreadyServed as error:
        raise Refused(str(error)) from None
    with closing(lock):
        yield


@store.command("restored")
@data_option
def restored() -> None:
    """Tell all mail clients to load everything anew: the data directory is from a backup.

    UIDs that were given out after the backup was made are not known any more, and would be given
    to other messages. Each mailbox gets a new UIDVALIDITY. The server must not run.

    \b
    posthouse store restored
    """
    from ..runtime.lock import AlreadyServed, DataLock
    from ..store.restoring import renew_validities

    with house().open(), refusing():
        try:
            lock = DataLock(house().data)
        except AlreadyServed as error:
            raise Refused(str(error)) from None
    try:
        renewed = house().write(renew_validities(int(time.time())))
    finally:
        lock.close()
    click.echo(f"{renewed} mailboxes will be loaded anew")
