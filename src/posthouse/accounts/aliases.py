"""Addresses that stand for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..store.unit import Unit, Work, one_of, rows_of, run
from .domains import require_domain
from .errors import Conflict
from .names import NotAnAddress, canonical_address, canonical_alias, canonical_domain


@dataclass(frozen=True, slots=True)
class AliasEntry:
    address: str
    target: str


def add_alias(address: str, targets: Sequence[str]) -> Unit[list[AliasEntry]]:
    """Have an address stand for others too; `@domain` for whoever is not there.

    Raises NotAnAddress, Conflict.
    """
    alias = canonical_alias(address)
    wanted = [AliasEntry(alias, _target(target)) for target in targets]

    def unit() -> Work[list[AliasEntry]]:
        yield from require_domain(alias.rpartition("@")[2])
        if (yield from one_of("SELECT id FROM account WHERE address = ?1", alias)) is not None:
            raise Conflict(f"{alias} is an account: its mail would never reach the alias")
        for entry in wanted:
            if entry.target == alias:
                raise Conflict(f"{alias} cannot stand for itself")
            added = yield from run(
                "INSERT INTO alias (address, target) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                alias,
                entry.target,
            )
            if not added:
                raise Conflict(f"{alias} stands for {entry.target} already")
        return wanted

    return unit


def remove_alias(address: str, targets: Sequence[str]) -> Unit[int]:
    """Remove an alias, or only some of its targets; how many. Raises NotAnAddress, Conflict."""
    alias = canonical_alias(address)
    unwanted = [_target(target) for target in targets]

    def unit() -> Work[int]:
        if not unwanted:
            removed = yield from run("DELETE FROM alias WHERE address = ?1", alias)
            if not removed:
                raise Conflict(f"there is no alias {alias}; see posthouse alias list")
            return removed
        for target in unwanted:
            removed = yield from run(
                "DELETE FROM alias WHERE address = ?1 AND target = ?2", alias, target
            )
            if not removed:
                raise Conflict(f"{alias} does not stand for {target}; see posthouse alias list")
        return len(unwanted)

    return unit


def list_aliases() -> Unit[list[AliasEntry]]:
    """All aliases with their targets, by address."""

    def unit() -> Work[list[AliasEntry]]:
        rows = yield from rows_of("SELECT address, target FROM alias ORDER BY address, target")
        return [AliasEntry(*row) for row in rows]

    return unit


def _target(address: str) -> str:
    """A target may be at another site, where the case of a local part may mean something."""
    local_part, _, domain = address.strip().rpartition("@")
    canonical_address(address)
    if any(ord(character) < 33 for character in address):
        raise NotAnAddress(f"{address!r} is not an address")
    return f"{local_part}@{canonical_domain(domain)}"
