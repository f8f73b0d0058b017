"""Builds the resolver, the router and the relay from the settings."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from random import Random

from .config import Config
from .config.loading import Wrong
from .config.relay import in_long_form
from .message.address import parse_domain
from .mta.relay.channel import Pace
from .mta.relay.relay import Settings as RelaySettings
from .mta.route.backup import BackupDomains
from .mta.route.hop import Credentials, TLSPolicy
from .mta.route.ourselves import Ourselves, usable_address
from .mta.route.patterns import DomainMap
from .mta.route.resolver import Resolver as ResolverOfRouting
from .mta.route.router import Router
from .mta.route.static import StaticRoute, read_credentials, static_route
from .runtime.dns.exchange import Server
from .runtime.dns.resolver import Resolver, Settings
from .runtime.dns.servers import parse_server, servers_of_system


def check(config: Config, directory: Path) -> None:
    """Whether all of it can be built: no worker has to start to find that out. Raises Wrong."""
    name_servers(config)
    ourselves(config, "localhost")
    backup_domains(config)
    static_routes(config, directory)


def new_resolver(config: Config, monotonic: Callable[[], float]) -> Resolver:
    """Made within the running loop. Raises Wrong."""
    dns = config.dns
    settings = Settings(dns.query, dns.look_up, dns.queries, dns.cache, dns.addresses)
    return Resolver(name_servers(config), settings, monotonic)


def name_servers(config: Config) -> list[Server]:
    """Those of the settings, or of the system. Raises Wrong."""
    try:
        return [parse_server(server) for server in config.dns.servers] or servers_of_system()
    except ValueError as error:
        raise Wrong(f"dns.servers: expected addresses, as in 192.0.2.1:53: {error}") from None


def new_router(
    config: Config,
    hostname: str,
    directory: Path,
    resolver: ResolverOfRouting,
    is_local: Callable[[str], bool],
    chance: Random,
) -> Router:
    """Password files are read here, relative to the data directory. Raises Wrong."""
    return Router(
        resolver,
        is_local,
        ourselves(config, hostname),
        chance,
        static_routes(config, directory),
        config.relay.port,
        TLSPolicy(config.relay.tls),
    )


def relay_settings(config: Config, hostname: str, directory: Path) -> RelaySettings:
    """How letters are relayed."""
    relay = config.relay
    return RelaySettings(
        hostname,
        relay.connections,
        relay.connections_per_next_hop,
        relay.connect,
        Pace(relay.keep, relay.first_wait, relay.longest_wait),
        authorities=str(directory / relay.authorities) if relay.authorities else "",
        separator=config.delivery.separator,
    )


def backup_domains(config: Config) -> BackupDomains:
    """What `relay.backup_for` names. Raises Wrong."""
    try:
        return BackupDomains(config.relay.backup_for)
    except ValueError as error:
        raise Wrong(f"relay.backup_for: expected domains: {error}") from None


def static_routes(config: Config, directory: Path) -> DomainMap[StaticRoute]:
    """The table `[routes]`. Raises Wrong."""
    found: dict[str, StaticRoute] = {}
    for name, route in in_long_form(config.routes).items():
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
    """By our name, the names of the settings, and where `smtp` listens. Raises Wrong."""
    names = {hostname.lower().removesuffix(".")}
    addresses: set[str] = set()
    listening = {address.rpartition(":")[0].strip("[]") for address in config.listen.smtp}
    everywhere = "*" in listening
    listening.discard("*")
    for each in (*config.relay.names, *listening):
        try:
            address = ipaddress.ip_address(each.partition("%")[0])
        except ValueError:
            names.add(_name(each))
        else:
            everywhere |= address.is_unspecified
            addresses.add(usable_address(str(address)) or "")
    return Ourselves(frozenset(names), frozenset(addresses - {""}), everywhere)


def _name(text: str) -> str:
    try:
        return parse_domain(text, smtputf8=True)
    except ValueError as error:
        raise Wrong(f"relay.names: {text!r}: {error}") from None
