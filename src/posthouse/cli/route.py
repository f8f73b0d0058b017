"""posthouse route: where letters for a domain would go."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import click

from ..accounts.directory import is_local
from ..mua.cli.house import Refused, data_option, house, json_option, printable
from ..runtime.hostname import own_name
from .config import config_options, load_settings

if TYPE_CHECKING:
    from ..config import Config
    from ..mta.route.hop import Decision, NextHop
    from ..store.direct import DirectStore


@click.command()
@click.argument("addresses", metavar="DOMAIN...", nargs=-1, required=True)
@config_options
@json_option
@data_option
def route(
    addresses: tuple[str, ...], file: Path | None, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Show where letters for a DOMAIN, or an address in it, would go now.

    The exit status is 1 if there is no way for one of them.

    \b
    posthouse route example.org ann@example.net [192.0.2.1]
    """
    domains = [address.rpartition("@")[2] for address in addresses]
    with house().open() as store:
        decisions = asyncio.run(_decide(load_settings(file, overrides), store, domains))
    rows = [_row(domain, decision) for domain, decision in zip(domains, decisions, strict=True)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        click.echo(printable("\n".join(map(_words, rows))))
    if any("code" in row for row in rows):
        raise SystemExit(1)


async def _decide(config: Config, store: DirectStore, domains: list[str]) -> list[Decision]:
    from ..config.loading import Wrong
    from ..routing import new_resolver, new_router

    try:
        resolver = new_resolver(config, time.monotonic)
        router = new_router(
            config,
            config.hostname or own_name(),
            house().data,
            resolver,
            lambda domain: store.read(is_local(domain)),
            Random(),  # noqa: S311 - among mail exchangers that are alike
        )
    except Wrong as wrong:
        raise Refused(str(wrong)) from None
    try:
        return list(await asyncio.gather(*map(router.route, domains)))
    finally:
        await resolver.close()


def _row(domain: str, decision: Decision) -> dict[str, object]:
    from ..mta.route.hop import Local, NoRoute

    if isinstance(decision, Local):
        return {"domain": domain, "local": True}
    if isinstance(decision, NoRoute):
        failed = {"code": decision.code, "status": decision.status, "reason": decision.text}
        return {"domain": domain, **failed}
    return {"domain": domain, "next_hop": decision.key, "hosts": list(map(_host, decision.hops))}


def _host(hop: NextHop) -> dict[str, object]:
    return {
        "host": hop.host,
        "addresses": hop.addresses,
        "port": hop.port,
        "transport": hop.transport.value,
        "tls": hop.tls.value,
        "user": hop.credentials.user if hop.credentials else None,
    }


def _words(row: dict[str, object]) -> str:
    """For people: the domain, and below it what is tried in turn."""
    if "local" in row:
        return f"{row['domain']}\n  local: it is a domain of this site"
    if "code" in row:
        return f"{row['domain']}\n  {row['code']} {row['status']} {row['reason']}"
    lines = [f"{row['domain']}"]
    hosts = row["hosts"]
    assert isinstance(hosts, list)
    for host in hosts:
        log_in = f", as {host['user']}" if host["user"] else ""
        lines.append(
            f"  {host['transport']} {host['host']} port {host['port']}"
            f" ({' '.join(host['addresses'])}), TLS {host['tls']}{log_in}"
        )
    return "\n".join(lines)
