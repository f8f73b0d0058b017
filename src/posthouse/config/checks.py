"""What is wrong with settings that are of the right types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network

from ..accounts.names import NotAnAddress, canonical_address
from ..accounts.tokens import ALGORITHMS
from ..message.address import parse_domain
from ..protocols.sasl import MECHANISMS
from . import Config
from .listen import services
from .relay import ROUTE_TO, in_long_form

_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.%\w]+\]|[^\[\]:\s]+):(\d{1,5})")


def complaints(config: Config) -> Iterator[str]:
    """Each with its key first."""
    for service, addresses in services(config.listen).items():
        for address in addresses:
            match = _ADDRESS.fullmatch(address)
            if match is None or int(match[1]) > 65535:
                yield (f"listen.{service}: expected host:port or [IPv6]:port, got {address!r}")
    for network in config.rates.trusted:
        try:
            ip_network(network, strict=False)
        except ValueError:
            yield f"rates.trusted: expected networks as in 192.0.2.0/24, got {network!r}"
    if config.delivery.literal_domain:
        try:
            parse_domain(config.delivery.literal_domain, smtputf8=True)
        except ValueError as error:
            yield f"delivery.literal_domain: {error}"
    yield from _of_routes(config)
    yield from _of_log_in(config)
    yield from _of_pop3(config)
    if bool(config.tls.certificate) != bool(config.tls.key):
        yield "tls.certificate and tls.key: expected both or neither"


def _of_routes(config: Config) -> Iterator[str]:
    for name, route in in_long_form(config.routes).items():
        if re.fullmatch(ROUTE_TO, route.to) is None:
            yield f"routes.{name}: expected host:port, got {route.to!r}"
        if bool(route.user) != bool(route.password_file):
            yield f"routes.{name}: expected user and password_file, or neither"
        if route.user and route.tls not in ("required", "verify"):
            yield (f'routes.{name}.tls: a password needs "required" or "verify", got {route.tls!r}')
    if "*" in config.relay.backup_for:
        yield "relay.backup_for: expected domains; * would be an open relay"
    patterns = [("routes", name) for name in config.routes if name != "*"]
    patterns += [("relay.backup_for", name) for name in config.relay.backup_for]
    for key, name in patterns:
        try:
            parse_domain(name.removeprefix("."), smtputf8=True)
        except ValueError as error:
            yield f"{key}: {name!r}: {error}"


def _of_pop3(config: Config) -> Iterator[str]:
    for key in ("login_delay_except", "expire_except"):
        for address in getattr(config.pop3, key):
            try:
                canonical_address(address)
            except NotAnAddress as error:
                yield f"pop3.{key}: {error}"


def _of_log_in(config: Config) -> Iterator[str]:
    for name in config.log_in.mechanisms:
        if name not in MECHANISMS:
            yield f"log_in.mechanisms: expected some of {', '.join(MECHANISMS)}, got {name!r}"
    if config.log_in.anonymous:
        try:
            canonical_address(config.log_in.anonymous)
        except NotAnAddress as error:
            yield f"log_in.anonymous: {error}"
    cost = config.passwords
    if cost.memory < 8 * cost.lanes:  # RFC 9106 §3.1
        yield f"passwords.memory: expected 8 for each of passwords.lanes, got {cost.memory}"
    tokens = config.tokens
    if tokens.issuer and not (tokens.audience and tokens.keys and tokens.claim):
        yield "tokens: an issuer needs an audience, keys and a claim"
    for name in tokens.algorithms:
        if name not in ALGORITHMS:
            yield f"tokens.algorithms: expected some of {', '.join(ALGORITHMS)}, got {name!r}"
