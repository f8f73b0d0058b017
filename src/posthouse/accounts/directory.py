"""Whose mailbox is it: an address to an account, to an alias's targets, or to nobody.

One statement by keys answers, so there is no cache that could be behind the database: an account
that was added a moment ago, by whichever process, is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..store.unit import Unit, Work, one_of, rows_of
from .names import NotAnAddress, canonical_domain, canonical_local_part

SEPARATOR = "+"


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """An account; `detail` is the sub-address (RFC 5233), empty if there is none."""

    account: int
    address: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """Other addresses stand for this one."""

    address: str
    targets: tuple[str, ...]


class Absent(Enum):
    """Why there is no mailbox."""

    UNKNOWN_USER = "no such user here"
    FOREIGN_DOMAIN = "not a domain of this site"


Resolved = LocalAccount | Alias | Absent

_LOOK_UP = """
SELECT 'domain', 0, name, '' FROM domain WHERE name = ?3
UNION ALL SELECT 'account', id, address, '' FROM account WHERE address IN (?1, ?2)
UNION ALL SELECT 'alias', 0, address, target FROM alias WHERE address IN (?1, ?2)
"""

# RFC 5321 §4.5.1: mail to postmaster is taken even where nobody was named for it; then it goes
# to the first account of the domain, or of the house.
_POSTMASTER = """
SELECT id, address FROM account
ORDER BY CASE WHEN address LIKE ?1 THEN 0 ELSE 1 END, id LIMIT 1
"""


def resolve(local_part: str, domain: str, separator: str = SEPARATOR) -> Unit[Resolved]:
    """Who an address is. `local_part` is the name itself, without quotes (RFC 5321 §4.1.2).

    An exact match comes before one without its sub-address, and an account before an alias.
    An empty domain is asked for `postmaster` alone (RFC 5321 §4.1.1.3).
    """

    def unit() -> Work[Resolved]:
        return (yield from resolving(local_part, domain, separator))

    return unit


def resolving(local_part: str, domain: str, separator: str = SEPARATOR) -> Work[Resolved]:
    """`resolve` as a part of a larger unit."""
    user = canonical_local_part(local_part)
    if not domain and user == "postmaster":
        return (yield from _postmaster(""))
    try:
        host = canonical_domain(domain)
    except NotAnAddress:  # an address literal, or no name at all
        return Absent.FOREIGN_DOMAIN
    base, divided, _ = user.partition(separator) if separator else (user, "", "")
    if not base:
        base, divided = user, ""
    full = f"{user}@{host}"
    short = f"{base}@{host}"
    rows = yield from rows_of(_LOOK_UP, full, short, host)
    if not any(row[0] == "domain" for row in rows):
        return Absent.FOREIGN_DOMAIN
    # the detail as it was written: folders have a case
    written = local_part.partition(separator)[2] if divided else ""
    for address, sub_address in ((full, ""), (short, written)):
        for kind, account, found, _ in rows:
            if kind == "account" and found == address:
                return LocalAccount(account, address, sub_address)
        targets = tuple(row[3] for row in rows if row[0] == "alias" and row[2] == address)
        if targets:
            return Alias(address, targets)
    if base == "postmaster":
        return (yield from _postmaster(host))
    return Absent.UNKNOWN_USER


def _postmaster(host: str) -> Work[Resolved]:
    row = yield from one_of(_POSTMASTER, f"%@{host}")
    if row is None:
        return Absent.UNKNOWN_USER
    return LocalAccount(row[0], row[1])


def is_local(domain: str) -> Unit[bool]:
    """Whether mail for a domain stays here."""

    def unit() -> Work[bool]:
        try:
            host = canonical_domain(domain)
        except NotAnAddress:
            return False
        return (yield from one_of("SELECT name FROM domain WHERE name = ?1", host)) is not None

    return unit


def may_send_as(account: int, local_part: str, domain: str, separator: str) -> Unit[bool]:
    """Whether an address is an account's own, an alias of it or a sub-address (RFC 6409 §6.1)."""

    def unit() -> Work[bool]:
        found = yield from resolving(local_part, domain, separator)
        if isinstance(found, LocalAccount):
            return found.account == account
        if not isinstance(found, Alias):
            return False
        row = yield from one_of("SELECT address FROM account WHERE id = ?1", account)
        return row is not None and row[0] in found.targets

    return unit
