"""Addresses that stand for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..message.address import parse_mailbox
from ..message.addresses import ADDRESS_LIMIT, GROUP_END, Entry, parse_address_list
from ..store.unit import Unit, Work, one_of, rows_of, run
from .directory import SEPARATOR, Alias, changed, resolving
from .domains import require_domain
from .errors import Conflict
from .names import NotAnAddress, canonical_address, canonical_alias, canonical_domain


@dataclass(frozen=True, slots=True)
class AliasEntry:
    address: str
    target: str


def add_alias(
    address: str, targets: Sequence[str], separator: str = SEPARATOR
) -> Unit[list[AliasEntry]]:
    """Have an address stand for others too; `@domain` for whoever is not there.

    Raises NotAnAddress, Conflict.
    """
    alias = canonical_alias(address)
    wanted = [AliasEntry(alias, _target(each)) for target in targets for each in members(target)]

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
        for entry in wanted:
            yield from _require_no_way_back(alias, entry.target, separator)
        yield from changed()
        return wanted

    return unit


def members(target: str) -> list[str]:
    """The addresses of a target: itself, or those of a group, `Team: a@x, b@y;` (RFC 5322 §3.4).

    Raises NotAnAddress.
    """
    if not target.rstrip().endswith(";"):
        return [target]
    try:
        octets = target.encode()
    except UnicodeEncodeError:
        raise NotAnAddress(f"{target!r} is not text") from None
    first, *others = parse_address_list(octets) or [GROUP_END]
    if first.host is not None or first.mailbox is None or others[-1:] != [GROUP_END]:
        raise NotAnAddress(f"{target!r} is not a group: expected `Name: a@example.org, ...;`")
    if not 0 < len(others) - 1 < ADDRESS_LIMIT - 2:
        raise NotAnAddress(f"{target!r} has no members, or too many")
    return [_address_of(entry, target) for entry in others[:-1]]


def _address_of(entry: Entry, group: str) -> str:
    if not entry.mailbox or not entry.host:
        raise NotAnAddress(f"{group!r} has a member that is not an address")
    return f"{entry.mailbox.decode()}@{entry.host.decode()}"


def _require_no_way_back(alias: str, target: str, separator: str) -> Work[None]:
    """No target leads to the alias again, over whatever other aliases. Raises Conflict."""
    came_from = {target: alias}
    waiting = [target]
    while waiting:
        here = waiting.pop()
        address = parse_mailbox(here, smtputf8=True)
        found = yield from resolving(address.local_part, address.domain, separator)
        if not isinstance(found, Alias):
            continue
        if found.address == alias:
            way = [here, came_from[here]]
            while way[-1] != alias:
                way.append(came_from[way[-1]])
            raise Conflict(f"{' -> '.join(reversed(way))} would lead back to {alias}")
        for each in found.targets:
            if each not in came_from:
                came_from[each] = here
                waiting.append(each)


def remove_alias(address: str, targets: Sequence[str]) -> Unit[int]:
    """Remove an alias, or only some of its targets; how many. Raises NotAnAddress, Conflict."""
    alias = canonical_alias(address)
    unwanted = [_target(each) for target in targets for each in members(target)]

    def unit() -> Work[int]:
        yield from changed()
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
