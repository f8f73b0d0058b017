"""The next hop of a domain (RFC 5321 §5.1, RFC 7505): decisions alone, given the answers.

In this order: a domain of this site; a route of the settings; an address literal; what the DNS
says. Nothing is raised: that there is no route is an answer, for now or for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from posthouse.message.address import parse_domain
from posthouse.runtime.dns.answers import MailExchanger, NoData, NoSuchDomain, Temporary

from .exchangers import HOSTS, Host, cut_by_address, cut_by_name, in_order, is_null
from .hop import Decision, Local, NextHop, NoRoute, Route, TLSPolicy
from .ourselves import Ourselves, usable_address
from .patterns import DomainMap
from .resolver import Resolver
from .static import StaticRoute

PORT = 25


@dataclass(frozen=True, slots=True)
class Router:
    """Decides for one domain at a time."""

    resolver: Resolver
    is_local: Callable[[str], bool]  # a domain in normal form
    us: Ourselves
    chance: Random
    routes: DomainMap[StaticRoute]
    port: int = PORT  # of mail exchangers
    tls: TLSPolicy = TLSPolicy.OPPORTUNISTIC  # with mail exchangers

    def key(self, domain: str) -> str:
        """What letters have in common that go the same way: a route, or else the domain."""
        domain = _normal(domain) or domain
        static = self.routes.get(domain)
        return domain if static is None else static.key

    async def route(self, domain: str) -> Decision:
        """Where letters for a domain go."""
        normal = _normal(domain)
        if normal is None:
            return NoRoute(553, "5.1.3", f"{domain[:255]}: not a domain name")
        if self.is_local(normal):
            return Local()
        static = self.routes.get(normal)
        if static is not None:
            return await self._static(normal, static)
        if normal.startswith("["):
            return self._literal(normal)
        return await self._by_dns(normal)

    async def _static(self, domain: str, static: StaticRoute) -> Decision:
        """A name server that does not know the host is no reason to return letters: a person wrote
        the settings, and will see from the log or the queue what is wrong."""
        addresses: Sequence[str]
        if static.host.startswith("["):
            addresses = [_inner(static.host)]
        else:
            try:
                addresses = (await self.resolver.addresses(static.host)).records
            except Temporary as failure:
                return NoRoute(451, "4.4.3", str(failure))
            except (NoData, NoSuchDomain) as failure:
                return NoRoute(451, "4.4.4", f"the route of {domain} leads nowhere: {failure}")
        usable = _usable(addresses)
        if not usable:
            return NoRoute(451, "4.4.4", f"the route of {domain} leads nowhere: {static.host}")
        hop = NextHop(
            static.host, usable, static.port, static.transport, static.tls, static.credentials
        )
        return Route(static.key, (hop,))

    def _literal(self, literal: str) -> Decision:
        """RFC 5321 §4.1.3: the host is named by its address."""
        usable = _usable([_inner(literal)])
        if not usable:
            return NoRoute(550, "5.1.2", f"{literal}: no host can have this address")
        if self.us.is_address(usable[0]):
            return _loop(literal)
        return Route(literal, (NextHop(literal, usable, self.port, tls=self.tls),))

    async def _by_dns(self, domain: str) -> Decision:
        try:
            answer = await self.resolver.mx(domain)
        except NoData:
            return await self._implicit(domain)
        except NoSuchDomain as failure:
            return NoRoute(550, "5.1.2", str(failure))
        except Temporary as failure:
            return NoRoute(451, "4.4.3", str(failure))
        if is_null(answer.records):
            return NoRoute(556, "5.1.10", f"{domain}: the domain takes no mail (null MX)")
        return await self._by_exchangers(domain, answer.records)

    async def _implicit(self, domain: str) -> Decision:
        """§5.1: without MX records the domain itself is the host, with preference 0."""
        found = await self._look_up(MailExchanger(0, domain))
        if not isinstance(found, Host):
            return found
        if not cut_by_address([found], self.us) or self.us.is_name(domain):
            return _loop(domain)
        return self._route(domain, [found])

    async def _by_exchangers(self, domain: str, records: Sequence[MailExchanger]) -> Decision:
        order = in_order(records, self.chance)
        if not order:
            return NoRoute(550, "5.4.4", f"{domain}: its mail exchangers have no host names")
        preferred = cut_by_name(order, self.us)
        if not preferred:
            return _loop(domain)
        found = await asyncio.gather(*map(self._look_up, preferred[:HOSTS]))
        hosts = [each for each in found if isinstance(each, Host)]
        left = cut_by_address(hosts, self.us)
        if left:
            return self._route(domain, left)
        failures = [each for each in found if isinstance(each, NoRoute)]
        for failure in failures:
            if not failure.is_permanent:
                return failure
        if hosts:
            return _loop(domain)
        return NoRoute(
            550, "5.4.4", f"{domain}: no mail exchanger has an address: {failures[0].text}"
        )

    async def _look_up(self, mx: MailExchanger) -> Host | NoRoute:
        try:
            answer = await self.resolver.addresses(mx.exchange)
        except Temporary as failure:
            return NoRoute(451, "4.4.3", str(failure))
        except (NoData, NoSuchDomain) as failure:
            return NoRoute(550, "5.4.4", str(failure))
        usable = _usable(answer.records)
        if not usable:
            return NoRoute(550, "5.4.4", f"{mx.exchange}: no host can have its addresses")
        return Host(mx.preference, mx.exchange, answer.name, usable)

    def _route(self, domain: str, hosts: Iterable[Host]) -> Route:
        return Route(
            domain,
            tuple(NextHop(host.name, host.addresses, self.port, tls=self.tls) for host in hosts),
        )


def _loop(domain: str) -> NoRoute:
    """§5.1: nobody is preferred to ourselves, and the domain is not of this site."""
    return NoRoute(
        554, "5.4.6", f"{domain}: its best mail exchanger is this host, which does not know it"
    )


def _normal(domain: str) -> str | None:
    try:
        return parse_domain(domain, smtputf8=True)
    except ValueError:
        return None


def _inner(literal: str) -> str:
    return literal[1:-1].removeprefix("IPv6:")


def _usable(addresses: Iterable[str]) -> tuple[str, ...]:
    found = (usable_address(address) for address in addresses)
    return tuple(dict.fromkeys(address for address in found if address is not None))
