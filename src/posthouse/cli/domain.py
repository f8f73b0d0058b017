"""posthouse domain: the domains whose mail stays here."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from ..accounts.domains import add_domain, list_domains
from ..mua.cli.house import data_option, house, json_option, print_list, refusing


@click.group()
def domain() -> None:
    """The domains whose mail stays here."""


@domain.command("add")
@click.argument("name")
@data_option
def add(name: str) -> None:
    """Take mail for the domain NAME.

    \b
    posthouse domain add example.org
    """
    with refusing():
        added = house().write(add_domain(name, int(time.time())))
    click.echo(f"added {added}; next: posthouse account add USER@{added}")


@domain.command("list")
@json_option
@data_option
def show(as_json: bool) -> None:
    """List the domains, with how many accounts and aliases they have."""
    rows = [asdict(row) for row in house().read(list_domains())]
    print_list(
        rows,
        ("name", "accounts", "aliases"),
        as_json,
        "there are no domains; add one: posthouse domain add example.org",
    )
