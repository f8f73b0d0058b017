"""Who is counted as one peer, and for whom no limits are."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

KNOWN = 4096  # addresses remembered


class Networks:
    """Addresses by the network that answers for them."""

    def __init__(self, trusted: Iterable[str] = (), ipv4_prefix: int = 32) -> None:
        """Networks as in 192.0.2.0/24. A site gets a /64 of IPv6 (RFC 6177)."""
        self._trusted = [ip_network(each, strict=False) for each in trusted]
        self._ipv4_prefix = ipv4_prefix
        #: The network that is counted, for an address; "" where nothing is.
        self.of = lru_cache(KNOWN)(self._of)

    def _of(self, text: str) -> str:
        try:
            address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
        except ValueError:
            return text
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        if any(address in network for network in self._trusted):
            return ""
        prefix = self._ipv4_prefix if address.version == 4 else 64
        return str(ip_network((address, prefix), strict=False))
