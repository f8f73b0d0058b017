"""The domains whose mail stays here."""

from __future__ import annotations

from dataclasses import dataclass

from ..store.unit import Unit, Work, one_of, rows_of, run
from .directory import changed
from .errors import Conflict
from .names import canonical_domain


@dataclass(frozen=True, slots=True)
class Domain:
    name: str
    accounts: int
    aliases: int


def add_domain(name: str, now: int) -> Unit[str]:
    """Add a domain; its canonical name. Raises NotAnAddress, Conflict."""
    domain = canonical_domain(name)

    def unit() -> Work[str]:
        added = yield from run(
            "INSERT INTO domain (name, created) VALUES (?1, ?2) ON CONFLICT DO NOTHING", domain, now
        )
        if not added:
            raise Conflict(f"the domain {domain} is there already")
        yield from changed()
        return domain

    return unit


def local_since(domain: str) -> Unit[int | None]:
    """When mail for a domain began to stay here; None where it does not."""

    def unit() -> Work[int | None]:
        row = yield from one_of(
            "SELECT created FROM domain WHERE name = ?1", canonical_domain(domain)
        )
        return None if row is None else row[0]

    return unit


def list_domains() -> Unit[list[Domain]]:
    """All domains with what they have, by name."""

    def unit() -> Work[list[Domain]]:
        names = yield from rows_of("SELECT name FROM domain ORDER BY name")
        accounts = yield from rows_of("SELECT address FROM account")
        aliases = yield from rows_of("SELECT DISTINCT address FROM alias")
        counts: dict[str, list[int]] = {name: [0, 0] for (name,) in names}
        for index, rows in enumerate((accounts, aliases)):
            for (address,) in rows:
                domain = address.rpartition("@")[2]
                if domain in counts:
                    counts[domain][index] += 1
        return [Domain(name, *count) for name, count in counts.items()]

    return unit


def require_domain(domain: str) -> Work[None]:
    """Part of a unit: raises Conflict when a domain is not here."""
    if (yield from one_of("SELECT name FROM domain WHERE name = ?1", domain)) is None:
        raise Conflict(
            f"{domain} is not a domain of this site; add it first: posthouse domain add {domain}"
        )
