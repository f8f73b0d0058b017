"""Whose mailbox is it: an address to an account, to an alias's targets, or to nobody.

One statement by keys answers. Units that change what it finds say so (`changed`), so that whoever
keeps an answer knows when it is an old one (store/edition.py): an account that was added a moment
ago, by whichever process, is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..message.address import Address, canonical, domain_to_ascii, split_subaddress
from ..store.edition import DIRECTORY
from ..store.unit import Row, Unit, Work, one_of, rows_of, tell

SEPARATOR = "+"
POSTMASTER = "postmaster"


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """An account; `detail` is the sub-address (RFC 5233), empty if there is none."""

    account: int
    address: str
    detail: str = ""
    quota: int = 0  # octets that it may keep; 0: any


@dataclass(frozen=True, slots=True)
class Alias:
    """Other addresses stand for this one."""

    address: str
    targets: tuple[str, ...]


class Absent(Enum):
    """Why there is no mailbox that a letter could be for."""

    UNKNOWN_USER = "no such user here"
    FOREIGN_DOMAIN = "not a domain of this site"
    TOO_MANY = "an alias for more than one letter goes to"


Resolved = LocalAccount | Alias | Absent

_LOOK_UP = """
SELECT 'domain', 0, name, '', 0 FROM domain WHERE name = ?3
UNION ALL SELECT 'account', id, address, '', quota FROM account WHERE address IN (?1, ?2)
UNION ALL SELECT 'alias', 0, address, target, 0 FROM alias
WHERE address IN (?1, ?2, '@' || ?3)
"""

# RFC 5321 §4.5.1: mail to postmaster is taken even where nobody was named for it; then it goes
# to the first account of the domain, or of the house.
POSTMASTER_OF_DOMAIN = "SELECT id, address FROM account WHERE domain = ?1 ORDER BY id LIMIT 1"
POSTMASTER_OF_HOUSE = "SELECT id, address FROM account ORDER BY id LIMIT 1"


def resolve(local_part: str, domain: str, separator: str = SEPARATOR) -> Unit[Resolved]:
    """Who an address is; `local_part` without its quotes, as in message.address.Address.

    An exact match comes before one without its sub-address, and an account before an alias; the
    alias `@domain` comes last.
    An empty domain is asked for `postmaster` alone (RFC 5321 §4.1.1.3).
    """

    def unit() -> Work[Resolved]:
        return (yield from resolving(local_part, domain, separator))

    return unit


def resolving(local_part: str, domain: str, separator: str = SEPARATOR) -> Work[Resolved]:
    """`resolve` as a part of a larger unit."""
    base, detail = split_subaddress(local_part, separator)
    try:
        full = canonical(Address(local_part, domain_to_ascii(domain)))
        short = canonical(Address(base, domain_to_ascii(domain)))
    except ValueError:  # letters that no account's name has
        return Absent.UNKNOWN_USER if (yield from _has(domain)) else Absent.FOREIGN_DOMAIN
    if not domain:
        return (yield from _postmaster("")) if full == POSTMASTER else Absent.FOREIGN_DOMAIN
    host = full.rpartition("@")[2]
    rows = yield from rows_of(_LOOK_UP, full, short, host)
    if not any(row[0] == "domain" for row in rows):
        return Absent.FOREIGN_DOMAIN
    for address, sub_address in ((full, ""), (short, detail or "")):
        for kind, account, found, _, quota in rows:
            if kind == "account" and found == address:
                return LocalAccount(account, address, sub_address, quota)
        if targets := _targets(rows, address):
            return Alias(address, targets)
    if short == f"{POSTMASTER}@{host}":
        return (yield from _postmaster(host))
    if targets := _targets(rows, f"@{host}"):
        return Alias(f"@{host}", targets)
    return Absent.UNKNOWN_USER


def _targets(rows: list[Row], alias: str) -> tuple[str, ...]:
    return tuple(row[3] for row in rows if row[0] == "alias" and row[2] == alias)


def _postmaster(host: str) -> Work[Resolved]:
    row = yield from one_of(POSTMASTER_OF_DOMAIN, host)
    if row is None:
        row = yield from one_of(POSTMASTER_OF_HOUSE)
    if row is None:
        return Absent.UNKNOWN_USER
    return LocalAccount(row[0], row[1])


def changed() -> Work[None]:
    """Part of each unit that adds, changes or removes what addresses lead to."""
    yield from tell(DIRECTORY, 0, 0)


def is_local(domain: str) -> Unit[bool]:
    """Whether mail for a domain stays here."""

    def unit() -> Work[bool]:
        return (yield from _has(domain))

    return unit


def _has(domain: str) -> Work[bool]:
    try:
        host = domain_to_ascii(domain)
    except ValueError:
        return False
    return (yield from one_of("SELECT name FROM domain WHERE name = ?1", host)) is not None


def may_send_as(account: int, local_part: str, domain: str, separator: str) -> Unit[bool]:
    """Whether an address is an account's own, an alias of it or a sub-address (RFC 6409 §6.1)."""

    def unit() -> Work[bool]:
        found = yield from resolving(local_part, domain, separator)
        if isinstance(found, LocalAccount):
            return found.account == account
        if not isinstance(found, Alias):
            return False
        row = yield from one_of("SELECT address FROM account WHERE id = ?1", account)
        return row is not None and row[0] in map(canonical, found.targets)

    return unit
