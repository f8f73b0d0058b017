"""posthouse account remove: an account goes, a copy of its mail stays."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..accounts.errors import Conflict
from ..accounts.removal import Estate, content_of, estate, remove_account
from ..mua.cli.house import Refused, data_option, house, refusing
from ..store.blobs.files import BlobFiles

if TYPE_CHECKING:
    from ..store.direct import DirectStore

FOLDER = "removed"
TRIES = 5  # while new mail comes


@click.command("remove")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def remove(address: str, yes: bool) -> None:
    """Remove the account ADDRESS, and keep a copy of its mail in a folder.

    The copy is in DATA/removed: a file for each message, as it was, and mailboxes.json that says
    in which mailbox it was, with which flags, and when it had come.

    \b
    posthouse account remove ann@example.org
    """
    with refusing():
        found = house().read(estate(address))
    if not yes:
        click.confirm(
            f"Remove {found.address} with {len(found.messages)} messages?", abort=True, err=True
        )
    with house().open() as store, refusing():
        folder = _remove(store, house().data, address)
    click.echo(f"removed {found.address}; its mail is in {folder}")


def _remove(store: DirectStore, data: Path, address: str) -> Path:
    for _ in range(TRIES):
        now = int(time.time())
        found = store.read(estate(address))
        name = re.sub(r"[^a-z0-9@._-]", "_", found.address).lstrip(".")
        folder = data / FOLDER / f"{name}.{found.account}.{now}.{found.modseq}"
        copy(store, data, found, folder)
        try:
            if store.write(remove_account(found, now)):
                return folder
        except Conflict:
            shutil.rmtree(folder)
            raise
        shutil.rmtree(folder)  # of no use: there is more by now
    raise Refused(
        f"{address} changes all the time; try again, when its programs are kept out:"
        f" posthouse account disable {address}"
    )


def copy(store: DirectStore, data: Path, found: Estate, folder: Path) -> None:
    """The messages of an account as files, on the disk when this returns."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    listed: list[dict[str, object]] = []
    for message in found.messages:
        stored = store.read(content_of(message.content))
        if stored is None:
            raise Refused(f"the content of a message is lost: mailbox {message.mailbox}")
        file = folder / str(message.mailbox) / f"{message.uid}.eml"
        file.parent.mkdir(mode=0o700, exist_ok=True)
        octets = stored.octets
        if octets is None:
            assert stored.file is not None
            octets = BlobFiles(data).read_all(stored.file)
        file.write_bytes(message.prefix + octets)
        listed.append(
            {
                "file": f"{message.mailbox}/{message.uid}.eml",
                "mailbox": found.mailboxes.get(message.mailbox, ""),
                "flags": message.flags.split(),
                "arrived": message.arrived,
            }
        )
    summary = {
        "address": found.address,
        "mailboxes": sorted(found.mailboxes.values()),
        "messages": listed,
    }
    (folder / "mailboxes.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False))
    os.sync()
