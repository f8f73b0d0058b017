"""posthouse domain: the domains whose mail stays here."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from ..accounts.domains import add_domain, list_domains
from ..accounts.names import canonical_domain
from ..mta.queue.operating import and_look_at
from ..mua.cli.house import data_option, house, json_option, print_list, refusing


@click.group()
def domain() -> None:
    """The domains whose mail stays here."""


@domain.command("add")
@click.argument("name")
@data_option
def add(name: str) -> None:
    """Take mail for the domain NAME.

    Letters that wait to be sent there are for this site now. For half an hour (relay.longest_wait)
    none of them fails for want of an account; then those for unknown users do.

    \b
    posthouse domain add example.org
    """
    with refusing():
        now = int(time.time())
        wanted = canonical_domain(name)
        added = house().write(and_look_at(add_domain(wanted, now), [wanted], now))
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
