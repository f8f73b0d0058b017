"""Mail for somebody at our own address, as in postmaster@[192.0.2.1] (RFC 5321 §4.1.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from posthouse.accounts.directory import POSTMASTER
from posthouse.message.address import Address, canonical_local_part
from posthouse.mta.route.ourselves import usable_address


@dataclass(frozen=True, slots=True)
class OwnLiterals:
    """Who is meant by an address literal of ours."""

    is_ours: Callable[[str], bool] = lambda _: False  # besides what the client has connected to
    domain: str = ""  # whose addresses they are; empty: none but postmaster is known

    def meant(self, address: Address, local: str) -> Address | None:
        """The address that one at our literal stands for, None if for nobody; others as they are.

        `local` is the address that the client has connected to.
        """
        if not address.domain.startswith("["):
            return address
        literal = usable_address(address.domain[1:-1].removeprefix("IPv6:"))
        if literal is None:
            return address
        if literal != usable_address(local.partition("%")[0]) and not self.is_ours(literal):
            return address
        if self.domain:
            return Address(address.local_part, self.domain)
        # Without a domain there is but one (§4.1.1.3).
        known = canonical_local_part(address.local_part) == POSTMASTER
        return Address(POSTMASTER, "") if known else None


NO_LITERALS = OwnLiterals()
