"""Builds the resolver and the router from the settings."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from random import Random

from .config import Config, Wrong, routes
from .message.address import domain_to_ascii
from .mta.route.hop import Credentials, TLSPolicy
from .mta.route.ourselves import Ourselves, usable_address
from .mta.route.patterns import DomainMap
from .mta.route.resolver import Resolver as ResolverOfRouting
from .mta.route.router import Router
from .mta.route.static import StaticRoute, read_credentials, static_route
from .runtime.dns.resolver import Resolver, Settings
from .runtime.dns.servers import parse_server, servers_of_system


def new_resolver(config: Config, monotonic: Callable[[], float]) -> Resolver:
    """Made within the running loop. Raises Wrong."""
    dns = config.dns
    try:
        servers = [parse_server(server) for server in dns.servers] or servers_of_system()
    except ValueError as error:
        raise Wrong(f"dns.servers: expected addresses, as in 192.0.2.1:53: {error}") from None
    settings = Settings(dns.query, dns.look_up, dns.queries, dns.cache, dns.addresses)
    return Resolver(servers, settings, monotonic)


def new_router(
    config: Config,
    hostname: str,
    directory: Path,
    resolver: ResolverOfRouting,
    is_local: Callable[[str], bool],
    chance: Random,
) -> Router:
    """Password files are read here, relative to the data directory. Raises Wrong."""
    try:
        backup = DomainMap(dict.fromkeys(config.relay.backup_for, True))
    except ValueError as error:
        raise Wrong(f"relay.backup_for: expected domains: {error}") from None
    return Router(
        resolver,
        is_local,
        ourselves(config, hostname),
        chance,
        static_routes(config, directory),
        backup,
        config.relay.port,
    )


def static_routes(config: Config, directory: Path) -> DomainMap[StaticRoute]:
    """The table `[routes]`. Raises Wrong."""
    found: dict[str, StaticRoute] = {}
    for name, route in routes(config).items():
        credentials: Credentials | None = None
        try:
            if route.user:
                credentials = read_credentials(route.user, directory / route.password_file)
            found[name] = static_route(route.to, TLSPolicy(route.tls), credentials)
            DomainMap({name: True})
        except (OSError, ValueError) as error:
            raise Wrong(f"routes.{name}: {error}") from None
    return DomainMap(found)


def ourselves(config: Config, hostname: str) -> Ourselves:
    """By our name, the names of the settings, and where `smtp` listens."""
    names = {hostname.lower().removesuffix(".")}
    addresses: set[str] = set()
    everywhere = False
    listening = (address.rpartition(":")[0].strip("[]") for address in config.listen.smtp)
    for each in (*config.relay.names, *listening):
        try:
            if ipaddress.ip_address(each).is_unspecified:
                everywhere = True
            else:
                addresses.add(usable_address(each) or each)
        except ValueError:
            try:
                names.add(domain_to_ascii(each))
            except ValueError as error:
                raise Wrong(f"relay.names: {each!r}: {error}") from None
    return Ourselves(frozenset(names), frozenset(addresses), everywhere)
