"""posthouse account: who has mailboxes here."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path

import click

from ..accounts.accounts import (
    add_account,
    add_accounts,
    list_accounts,
    set_disabled,
    set_password,
    set_quota,
)
from ..accounts.credentials import invent
from ..accounts.legacy import is_legacy
from ..accounts.names import NotAnAddress, canonical_address
from ..mta.queue.operating import and_look_at
from ..mua.cli.house import (
    Refused,
    data_option,
    house,
    json_option,
    print_list,
    read_password,
    refusing,
    when,
)
from ..store.directory import make_directory
from .app_password import app_password
from .passwords import kept, own_keys
from .removal import remove

AT_ONCE = 500  # accounts of an import in one transaction; a running server writes in between

from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, a line."
)


@click.group()
def account() -> None:
    """The accounts: who has mailboxes here."""


@account.command("add")
@click.argument("address")
@from_stdin
@click.option("--random-password", is_flag=True, help="Make a password and print it.")
@click.option(
    "--legacy-auth",
    is_flag=True,
    help="Keep the password so that it can be read again, for programs that know only CRAM-MD5,"
    " APOP or SCRAM-SHA-1.",
)
@data_option
def add(address: str, password_stdin: bool, random_password: bool, legacy_auth: bool) -> None:
    """Add the account ADDRESS with its mailboxes.

    What --legacy-auth keeps lies encrypted in the database; the key is in DATA/legacy.key.

    \b
    posthouse account add ann@example.org
    echo secret | posthouse account add ann@example.org --password-stdin
    """
    with refusing():
        wanted = canonical_address(address)
        password = invent() if random_password else read_password(password_stdin)
        secrets = kept(password, wanted, _made(house().data) if legacy_auth else None)
        now = int(time.time())
        house().write(and_look_at(add_account(wanted, secrets, now), _domains([wanted]), now))
    click.echo(f"added {wanted}")
    if random_password:
        click.echo(f"password {password}")


@account.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@from_stdin
@click.option(
    "--own-salts",
    is_flag=True,
    help="Make keys for SCRAM with a salt of its own for each account, about a hundred in a"
    " second.",
)
@data_option
def import_(file: Path, password_stdin: bool, own_salts: bool) -> None:
    """Add an account for each line of FILE, with one password for all.

    Empty lines and lines that begin with # are passed over, as are accounts that are there.

    The password is hashed once for all, so that thousands are added within seconds. Give each
    account a password of its own soon: by one that is found out all are, and without --own-salts
    their common salt shows to anybody which names are accounts.

    \b
    echo secret | posthouse account import people.txt --password-stdin
    """
    addresses = _addresses(file)
    with refusing():
        password = read_password(password_stdin)
        secrets = kept(password)
        added = 0
        for start in range(0, len(addresses), AT_ONCE):
            part = addresses[start : start + AT_ONCE]
            keys = own_keys(password, part) if own_salts else None
            now = int(time.time())
            unit = add_accounts(part, secrets, now, keys)
            added += len(house().write(and_look_at(unit, _domains(part), now)))
    click.echo(f"added {added} accounts, {len(addresses) - added} were there")


@account.command("list")
@json_option
@data_option
def show(as_json: bool) -> None:
    """List the accounts, with the size of their mail."""
    rows: list[dict[str, object]] = [
        {
            "address": row.address,
            "messages": row.messages,
            "octets": row.octets,
            "quota": row.quota,
            "created": when(row.created),
            "disabled": bool(row.disabled),
            "legacy": bool(row.legacy),
        }
        for row in house().read(list_accounts())
    ]
    print_list(
        rows,
        ("address", "messages", "octets", "quota", "created", "disabled", "legacy"),
        as_json,
        "there are no accounts; add one: posthouse account add USER@DOMAIN",
    )


@account.command("password")
@click.argument("address")
@from_stdin
@data_option
def password(address: str, password_stdin: bool) -> None:
    """Replace the password of the account ADDRESS."""
    with refusing():
        wanted = canonical_address(address)
        legacy = house().read(is_legacy(wanted))
        secrets = kept(read_password(password_stdin), wanted, house().data if legacy else None)
        changed = house().write(set_password(wanted, secrets))
    click.echo(f"changed the password of {changed}")


@account.command("quota")
@click.argument("address")
@click.argument("size", metavar="SIZE")
@data_option
def quota(address: str, size: str) -> None:
    """Let the account ADDRESS keep SIZE octets of mail at most, or any number with 0.

    The size may have K, M, G or T: 1024 octets, and so on. A full account gets no new mail.

    \b
    posthouse account quota ann@example.org 2G
    """
    found = re.fullmatch(r"(\d{1,15})([KMGT]?)", size.upper())
    if found is None:
        raise click.UsageError(f"{size!r}: expected a number of octets, as in 500M or 2G")
    octets = int(found[1]) * 1024 ** ("KMGT".find(found[2]) + 1 if found[2] else 0)
    if octets >= 2**62:
        raise click.UsageError(f"{size!r} is too large")
    with refusing():
        changed = house().write(set_quota(address, octets))
    click.echo(f"the quota of {changed} is {octets}" if octets else f"{changed} has no quota")


@account.command("disable")
@click.argument("address")
@data_option
def disable(address: str) -> None:
    """Let nobody log in as the account ADDRESS; its mail comes as before.

    Sessions that are there end at once.
    """
    with refusing():
        changed = house().write(set_disabled(address, True))
    click.echo(f"nobody can log in as {changed}")


@account.command("enable")
@click.argument("address")
@data_option
def enable(address: str) -> None:
    """Let the account ADDRESS log in again."""
    with refusing():
        changed = house().write(set_disabled(address, False))
    click.echo(f"{changed} can log in")


account.add_command(app_password)
account.add_command(remove)


def _made(data: Path) -> Path:
    """The data directory, which is there before a key is put in it."""
    make_directory(data)
    return data


def _domains(addresses: Iterable[str]) -> set[str]:
    return {address.rpartition("@")[2] for address in addresses}


def _addresses(file: Path) -> list[str]:
    """The addresses of a list, all looked at before any is added."""
    addresses: dict[str, None] = {}
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise Refused(f"{file}: expected UTF-8") from None
    for number, line in enumerate(lines, 1):
        address = line.strip()
        if not address or address.startswith("#"):
            continue
        try:
            addresses[canonical_address(address)] = None
        except NotAnAddress as error:
            raise Refused(f"{file}, line {number}: {error}") from None
    return list(addresses)
