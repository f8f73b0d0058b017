"""posthouse alias: addresses that stand for others."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from ..accounts.aliases import add_alias, list_aliases, remove_alias
from ..accounts.names import canonical_alias
from ..mta.queue.operating import and_look_at
from ..mua.cli.house import data_option, house, json_option, print_list, refusing
from .config import load_settings


@click.group()
def alias() -> None:
    """Addresses that stand for others."""


@alias.command("add")
@click.argument("address")
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@data_option
def add(address: str, targets: tuple[str, ...]) -> None:
    """Send mail for ADDRESS on to each TARGET, here or elsewhere.

    As @DOMAIN it stands for all addresses of the domain that are not there otherwise. What goes
    elsewhere keeps its sender, who hears of a failure there. A TARGET may be a group, as in a
    message's header. What would lead back to ADDRESS is refused.

    \b
    posthouse alias add sales@example.org ann@example.org bob@example.net
    posthouse alias add team@example.org 'Team: ann@example.org, bob@example.net;'
    posthouse alias add @example.org ann@example.org
    """
    with refusing():
        domain = canonical_alias(address).rpartition("@")[2]
        adding = add_alias(address, targets, load_settings().delivery.separator)
        unit = and_look_at(adding, [domain], int(time.time()))
        for entry in house().write(unit):
            click.echo(f"added {entry.address} -> {entry.target}")


@alias.command("remove")
@click.argument("address")
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@data_option
def remove(address: str, targets: tuple[str, ...]) -> None:
    """Remove the alias ADDRESS, or only some of its targets."""
    with refusing():
        removed = house().write(remove_alias(address, targets))
    click.echo(f"removed {removed} of {address}")


@alias.command("list")
@json_option
@data_option
def show(as_json: bool) -> None:
    """List the aliases, a line for each target."""
    print_list(
        [asdict(row) for row in house().read(list_aliases())],
        ("address", "target"),
        as_json,
        "there are no aliases; add one: posthouse alias add ADDRESS TARGET",
    )
