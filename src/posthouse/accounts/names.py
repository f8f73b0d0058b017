"""Which addresses may be those of accounts and aliases, and how they are compared.

The canonical form is that of message/address.py (RFC 8265 §3.3.2 for the local part, A-labels for
the domain). What exists here is narrower than what RFC 5321 lets be asked for.
"""

from __future__ import annotations

import unicodedata

from ..message.address import canonical, parse_domain

ADDRESS_LIMIT = 64 + 1 + 255  # octets (RFC 5321 §4.5.3.1)


class NotAnAddress(ValueError):
    """It cannot be the address of an account or an alias, or the name of a domain."""


def canonical_domain(name: str) -> str:
    """A domain in lower-case A-labels. Raises NotAnAddress."""
    try:
        domain = parse_domain(name, smtputf8=True)
    except ValueError as error:
        raise NotAnAddress(f"{name!r} is not a domain name: {error}") from None
    if domain.startswith("["):
        raise NotAnAddress(f"{name!r} is an address literal: expected a domain name")
    return domain


def canonical_address(address: str) -> str:
    """The canonical form of an account's or alias's address. Raises NotAnAddress."""
    try:
        found = canonical(address)
    except ValueError as error:
        raise NotAnAddress(f"{address!r} is not an address: {error}") from None
    canonical_domain(found.rpartition("@")[2])
    if found.startswith('"') or any(_unfit(character) for character in found):
        raise NotAnAddress(f"{address!r} has a character that no user name may have")
    return found


def canonical_alias(address: str) -> str:
    """`canonical_address`, or `@domain` for all of a domain who are not there otherwise."""
    if address.startswith("@"):
        return f"@{canonical_domain(address[1:])}"
    return canonical_address(address)


def _unfit(character: str) -> bool:
    """Controls, spaces, surrogates, unassigned (RFC 8264 §9)."""
    return unicodedata.category(character)[0] in "CZ"
