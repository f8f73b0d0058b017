"""RFC 5321 §5.1: from MX records to the hosts that are tried, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from posthouse.runtime.dns.answers import NULL_EXCHANGE, MailExchanger

from .ourselves import Ourselves

HOSTS = 20  # that are looked at, the most preferred ones

_host_name = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_-]+)*").fullmatch


@dataclass(frozen=True, slots=True)
class Host:
    """A mail exchanger whose addresses are known."""

    preference: int
    name: str
    canonical: str  # where its name is an alias of another
    addresses: tuple[str, ...]


def is_null(records: Sequence[MailExchanger]) -> bool:
    """RFC 7505 §3: a null MX stands alone; beside others it means nothing."""
    return bool(records) and all(mx.exchange == NULL_EXCHANGE for mx in records)


def in_order(records: Sequence[MailExchanger], chance: Random) -> list[MailExchanger]:
    """By preference, at random among equals; each host once, and none that cannot be a host."""
    best: dict[str, MailExchanger] = {}
    for mx in sorted(records, key=_preference):
        if _host_name(mx.exchange):
            best.setdefault(mx.exchange, mx)
    order = list(best.values())
    chance.shuffle(order)
    order.sort(key=_preference)  # stable: equals stay as they were shuffled
    return order


def cut_by_name(order: Sequence[MailExchanger], us: Ourselves) -> list[MailExchanger]:
    """What is preferred to ourselves, by our names; all of it where we are not in the list."""
    ours = [mx.preference for mx in order if us.is_name(mx.exchange)]
    return [mx for mx in order if not ours or mx.preference < min(ours)]


def cut_by_address(hosts: Sequence[Host], us: Ourselves) -> list[Host]:
    """What is preferred to ourselves, by our addresses, and by names found meanwhile."""
    ours = [host.preference for host in hosts if is_us(host, us)]
    return [host for host in hosts if not ours or host.preference < min(ours)]


def is_us(host: Host, us: Ourselves) -> bool:
    return us.is_name(host.canonical) or any(map(us.is_address, host.addresses))


def _preference(mx: MailExchanger) -> int:
    return mx.preference
