"""The one canonical form of an address: how names of users and domains are compared.

The domain is in A-labels and lower case (RFC 5890 §2.3.2.1). The local part of a local address is
compared without regard to case, width or composition (RFC 8265 §3.3, UsernameCaseMapped), as users
expect; RFC 5321 §2.4 leaves that to the host of the mailbox.
"""

from __future__ import annotations

import unicodedata

import idna

ADDRESS_LIMIT = 64 + 1 + 255  # octets (RFC 5321 §4.5.3.1)

_WIDE = {
    code: folded
    for code in range(0xFF01, 0xFFEF)
    if (folded := unicodedata.normalize("NFKC", chr(code))) and len(folded) == 1
}


class NotAnAddress(ValueError):
    """It cannot be the address of an account or an alias."""


def canonical_domain(name: str) -> str:
    """A domain in lower-case A-labels. Raises NotAnAddress."""
    if name.isascii():
        domain = name.lower()
        if _is_host(domain):
            return domain
        raise NotAnAddress(f"{name!r} is not a domain name")
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise NotAnAddress(f"{name!r} is not a domain name") from None


def canonical_local_part(local_part: str) -> str:
    """A local part as it is compared (RFC 8265 §3.3): width, case, composition.

    Any local part can be asked for; only names that `canonical_address` lets through exist.
    """
    if local_part.isascii():
        return local_part.lower()
    return unicodedata.normalize("NFC", local_part.translate(_WIDE).lower())


def canonical_address(address: str) -> str:
    """The canonical form of an account's or alias's address. Raises NotAnAddress."""
    local_part, at, domain = address.strip().rpartition("@")
    if not at or not local_part:
        raise NotAnAddress(f"{address!r} is not an address: expected user@domain")
    canonical = f"{canonical_local_part(local_part)}@{canonical_domain(domain)}"
    if len(canonical.encode("utf-8", "surrogatepass")) > ADDRESS_LIMIT:
        raise NotAnAddress(f"{address[:40]!r}... is too long for an address")
    if any(_unfit(character) for character in local_part):
        raise NotAnAddress(f"{address!r} has a character that no user name may have")
    return canonical


def _unfit(character: str) -> bool:
    """Controls, spaces, surrogates, unassigned; and what an address needs quotes for."""
    return unicodedata.category(character)[0] in "CZ" or character in '"(),:;<>@[\\]'


def _is_host(domain: str) -> bool:
    """LDH labels (RFC 5321 §4.1.2), 255 octets at most."""
    if not domain or len(domain) > 255:
        return False
    return all(
        0 < len(label) <= 63
        and label.replace("-", "").isalnum()
        and not label.startswith("-")
        and not label.endswith("-")
        for label in domain.split(".")
    )
