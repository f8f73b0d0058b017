"""posthouse search: the index that searches use."""

from __future__ import annotations

from pathlib import Path

import click

from ..mua.cli.house import Refused, data_option, house, json_option, print_list


@click.group()
def search() -> None:
    """The index that searches use; without it they find the same, but slower."""


@search.command("status")
@json_option
@data_option
def show(as_json: bool) -> None:
    """Say how much of the mail is indexed.

    \b
    posthouse search status
    """
    from ..store.search.index import Damaged, Index, path
    from ..store.search.indexer import waiting

    directory = house().data
    with house().open() as store:
        try:
            index = Index(directory)
        except Damaged:
            index = None
        try:
            mailboxes, messages = index.count() if index else (0, 0)
            left = waiting(index, store.read)
        except Damaged as damage:
            raise Refused(
                f"the index is damaged ({damage}); posthouse search rebuild makes it anew"
            ) from None
        finally:
            if index:
                index.close()
    row: dict[str, object] = {
        "mailboxes": mailboxes,
        "messages": messages,
        "waiting": left,
        "octets": _size(path(directory)),
    }
    print_list([row], tuple(row), as_json, "")


@search.command("rebuild")
@data_option
def rebuild() -> None:
    """Make the index anew, beside a running server or without one.

    \b
    posthouse search rebuild
    """
    from ..store.blobs.files import BlobFiles
    from ..store.search.index import Index, remove
    from ..store.search.indexer import catch_up, only_one

    directory = house().data
    with house().open() as store, only_one(directory, wait=True):
        remove(directory)
        index = Index(directory, create=True)
        try:
            done = catch_up(index, store.read, BlobFiles(directory), thoroughly=True)
        finally:
            index.close()
    click.echo(f"indexed {done} messages")


def _size(file: Path) -> int:
    """Of a database with its log."""
    files = (file, file.with_name(file.name + "-wal"))
    return sum(each.stat().st_size for each in files if each.exists())
