"""The names and addresses by which this host is known (RFC 5321 §5.1, §6.3)."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ourselves:
    """Which hosts are this one."""

    names: frozenset[str] = frozenset()  # lower-case A-labels
    addresses: frozenset[str] = frozenset()
    everywhere: bool = False  # we listen on all addresses of this machine

    def is_name(self, host: str) -> bool:
        return host in self.names

    def is_address(self, address: str) -> bool:
        return address in self.addresses or (self.everywhere and is_of_this_machine(address))


def is_of_this_machine(address: str) -> bool:
    """Whether an interface has the address: only then can a socket have it as its own."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((address, 0))
    except OSError:
        return False
    return True


def usable_address(address: str) -> str | None:
    """The address in normal form; None for one where no host can be."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped  # the same host, so the same address
    if ip.is_unspecified or ip.is_multicast or str(ip) == "255.255.255.255":
        return None  # a connection to 0.0.0.0 would come to ourselves
    return str(ip)
