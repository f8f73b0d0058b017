"""posthouse read: look into the mailboxes of an account, without changing anything."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

from ...accounts.accounts import find_account
from ...accounts.names import canonical_address
from ...protocols.imap.mailbox import canonical
from ...store.blobs.files import BlobFiles
from ...store.contents import ContentDamaged
from ...store.direct import DirectStore
from ...store.mailboxes import Mailbox, find_mailbox, list_mailboxes
from ..letters import (
    Found,
    Line,
    find_letter,
    line_of,
    list_letters,
    shown_fields,
    text_of,
)
from .house import (
    Refused,
    data_option,
    house,
    json_option,
    print_list,
    printable,
    refusing,
    when,
)

COLUMNS = ("uid", "flags", "arrived", "octets", "from", "subject")

mailbox_option = click.option("--mailbox", default="INBOX", help="The mailbox  [default: INBOX].")


@click.group()
def read() -> None:
    """Look into the mailboxes of an account; nothing is marked as read."""


@read.command("list")
@click.argument("account")
@mailbox_option
@click.option(
    "--last", type=click.IntRange(1, 100_000), default=50, help="How many  [default: 50]."
)
@json_option
@data_option
def show_list(account: str, mailbox: str, last: int, as_json: bool) -> None:
    """List the last messages of ACCOUNT.

    \b
    posthouse read list ann@example.org --mailbox Sent --last 10
    """
    with _opened(account, mailbox) as (store, owner, box):
        lines = store.read(list_letters(owner, box.id, last))
    print_list(_rows(lines, as_json), COLUMNS, as_json, f"{mailbox} is empty")


def _rows(lines: Iterable[Line], as_json: bool) -> list[dict[str, object]]:
    return [
        {
            "uid": line.uid,
            "flags": line.flags,
            "arrived": when(line.arrived),
            "octets": line.size,
            "from": line.author if as_json else line.author[:40],
            "subject": line.subject if as_json else line.subject[:80],
        }
        for line in lines
    ]


@read.command("search")
@click.argument("account")
@click.argument("text")
@mailbox_option
@json_option
@data_option
def search(account: str, text: str, mailbox: str, as_json: bool) -> None:
    """List the messages of ACCOUNT that hold TEXT, in the header or the body.

    \b
    posthouse read search ann@example.org "quarterly figures"
    """
    from ..searching import find_text

    with _opened(account, mailbox) as (store, owner, box):
        uids = find_text(store, owner, box.id, text)
        lines = [line for uid in uids for line in store.read(line_of(owner, box.id, uid))]
    print_list(_rows(lines, as_json), COLUMNS, as_json, f"nothing in {mailbox} holds {text!r}")


@read.command("mailboxes")
@click.argument("account")
@json_option
@data_option
def show_mailboxes(account: str, as_json: bool) -> None:
    """List the mailboxes of ACCOUNT."""
    with _opened(account, "INBOX") as (store, owner, _):
        boxes = store.read(list_mailboxes(owner))
    rows: list[dict[str, object]] = [
        {"name": box.name, "messages": box.messages, "unseen": box.unseen, "octets": box.octets}
        for box in boxes
    ]
    print_list(rows, ("name", "messages", "unseen", "octets"), as_json, "there are none")


@read.command("show")
@click.argument("account")
@click.argument("uid", type=click.IntRange(1, 2**32 - 1))
@mailbox_option
@click.option("--raw", is_flag=True, help="The octets as they lie in the mailbox.")
@data_option
def show(account: str, uid: int, mailbox: str, raw: bool) -> None:
    """Print the message UID of ACCOUNT.

    \b
    posthouse read show ann@example.org 7
    posthouse read show ann@example.org 7 --raw > letter.eml
    """
    with _opened(account, mailbox) as (store, owner, box):
        try:
            found = store.read(find_letter(owner, box.id, uid))
            content = b"" if found is None else _content(store, found)
        except (OSError, ContentDamaged) as error:
            raise Refused(f"the content cannot be read: {error}") from None
    if found is None:
        raise Refused(f"{mailbox} has no message {uid}; see posthouse read list {account}")
    if raw:
        sys.stdout.buffer.write(found.prefix + content)
        sys.stdout.buffer.flush()
        return
    for name, value in shown_fields(content):
        click.echo(f"{name}: {printable(value)}")
    text, others = text_of(content)
    click.echo("\n" + printable(text.rstrip("\n").expandtabs()))
    for other in others:
        click.echo(f"[{printable(other)}]")


@contextmanager
def _opened(address: str, mailbox: str) -> Iterator[tuple[DirectStore, int, Mailbox]]:
    """The store, an account's id, a mailbox."""
    with house().open() as store, refusing():
        owner = store.read(find_account(canonical_address(address)))
        if owner is None:
            raise Refused(f"there is no account {address}; see posthouse account list")
        box = store.read(find_mailbox(owner, canonical(mailbox)))
        if box is None:
            raise Refused(f"there is no mailbox {mailbox}; see posthouse read mailboxes {address}")
        yield store, owner, box


def _content(store: DirectStore, found: Found) -> bytes:
    if found.stored.octets is not None:
        return found.stored.octets
    assert found.stored.file is not None
    return BlobFiles(store.directory).read_all(found.stored.file)
