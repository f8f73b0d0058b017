"""posthouse account app-password: a password for each program of an account."""

from __future__ import annotations

import time

import click

from ..accounts.app_passwords import (
    SCOPES,
    add_app_password,
    invent_app_password,
    list_app_passwords,
    prefix_of,
    revoke_app_password,
)
from ..accounts.names import canonical_address
from ..mua.cli.house import data_option, house, json_option, print_list, refusing, when
from .passwords import hasher


@click.group("app-password")
def app_password() -> None:
    """Passwords for single programs, each for some services, revoked without the others."""


@app_password.command("add")
@click.argument("address")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="A service that it is for; may be given again. Without, all.",
)
@data_option
def add(address: str, name: str, scopes: tuple[str, ...]) -> None:
    """Make an app password for the account ADDRESS, called NAME, and show it once.

    \b
    posthouse account app-password add ann@example.org phone --scope imap --scope smtp
    """
    password = invent_app_password()
    with refusing():
        canonical_address(address)
        unit = add_app_password(
            address,
            name,
            scopes or SCOPES,
            prefix_of(password),
            hasher().hash(password),
            int(time.time()),
        )
        wanted = house().write(unit)
    click.echo(f"added {name} for {wanted}; this is shown only now:\npassword {password}")


@app_password.command("list")
@click.argument("address")
@json_option
@data_option
def show(address: str, as_json: bool) -> None:
    """List the app passwords of the account ADDRESS; their last use is noted every ten minutes."""
    with refusing():
        unit = list_app_passwords(address)
        rows: list[dict[str, object]] = [
            {
                "name": each.name,
                "scopes": " ".join(each.scopes),
                "created": when(each.created),
                "used": when(each.used) if each.used else "never",
            }
            for each in house().read(unit)
        ]
    print_list(
        rows, ("name", "scopes", "created", "used"), as_json, f"{address} has no app passwords"
    )


@app_password.command("revoke")
@click.argument("address")
@click.argument("name")
@data_option
def revoke(address: str, name: str) -> None:
    """Take back the app password NAME of the account ADDRESS; it lets nobody in any more."""
    with refusing():
        wanted = house().write(revoke_app_password(address, name))
    click.echo(f"revoked {name} of {wanted}")
