"""From an address of the envelope to those who get the letter."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Protocol, TypeVar

from posthouse.accounts.directory import Absent, Alias, LocalAccount, Resolved, resolving
from posthouse.message.address import Address, parse_mailbox
from posthouse.mta.queue.letter import Recipient
from posthouse.store.quota import has_room
from posthouse.store.unit import Unit, Work

T = TypeVar("T")

KEPT = 10_000  # recipients that are kept at hand, in all
DEPTH = 10  # aliases, one behind the other
MOST = 1000  # recipients that one alias may stand for

Found = list[Recipient] | Absent


class Store(Protocol):
    """What is needed of the store."""

    @property
    def edition(self) -> int: ...

    def read(self, unit: Unit[T]) -> T: ...


class Finder:
    """`find`, with what was found kept at hand while the directory is the same."""

    def __init__(self, store: Store, separator: str) -> None:
        self._store = store
        self._separator = separator
        self._edition = -1
        self._found: dict[Address, Found] = {}
        self._kept = 0

    def find(self, address: Address) -> Found:
        """Who gets a letter for this address. The list must not be changed."""
        edition = self._store.edition  # before the look-up: what changes meanwhile is seen next
        if edition != self._edition:
            self._clear()
            self._edition = edition
        found = self._found.get(address)
        if found is None:
            found = self._store.read(find(address, self._separator))
            if not edition & 1 and _lasts(found):
                self._keep(address, found)
        return found

    def _keep(self, address: Address, found: Found) -> None:
        """An alias has many spellings, by case and sub-address, and for each all who get it."""
        if self._kept >= KEPT:
            self._clear()
        self._found[address] = found
        self._kept += 1 if isinstance(found, Absent) else len(found)

    def _clear(self) -> None:
        self._found.clear()
        self._kept = 0


def _lasts(found: Found) -> bool:
    """Whether it holds for as long as the directory is the same: room does not."""
    return isinstance(found, Absent) or not any(each.limited or each.full for each in found)


def find(address: Address, separator: str) -> Unit[Found]:
    """Who gets a letter for this address; aliases are followed, each mailbox is there once.

    Whether the account is full is looked at where the address is its own: of many who stand
    behind an alias, the others get the letter all the same.
    """

    def unit() -> Work[Found]:
        found = yield from resolving(address.local_part, address.domain, separator)
        if isinstance(found, LocalAccount):
            recipient = _of_account(address, found)
            if found.quota and not (yield from has_room(found.account)):
                recipient = replace(recipient, full=True)
            return [recipient]
        if isinstance(found, Absent):
            return found
        return (yield from _expand(found, str(address), separator))

    return unit


@lru_cache(4096)
def foreign(address: Address) -> Recipient:
    """Somebody of another site."""
    return Recipient(str(address), address.domain)


def _of_account(address: Address, found: LocalAccount) -> Recipient:
    if not address.domain:  # <Postmaster>
        path, domain = found.address, found.address.rpartition("@")[2]
    else:
        path, domain = str(address), address.domain
    return Recipient(path, domain, found.account, limited=found.quota > 0)


def _expand(alias: Alias, original: str, separator: str) -> Work[Found]:
    """Level by level, so that an alias that leads to itself ends.

    Those at other sites get the letter with the reverse-path that it came with: what happens to
    it there, its sender hears of, under the `original` address.
    """
    seen = {alias.address}
    recipients: dict[object, Recipient] = {}
    level = [alias]
    for _ in range(DEPTH):
        deeper: list[Alias] = []
        for target in (target for each in level for target in each.targets):
            address = parse_mailbox(target, smtputf8=True)
            found: Resolved = yield from resolving(address.local_part, address.domain, separator)
            if isinstance(found, LocalAccount):
                recipient = _of_account(address, found)
                recipients.setdefault(found.account, replace(recipient, original=original))
            elif found is Absent.FOREIGN_DOMAIN:
                recipients.setdefault(target, replace(foreign(address), original=original))
            elif isinstance(found, Alias) and found.address not in seen:
                seen.add(found.address)
                deeper.append(found)
            if len(recipients) > MOST:
                return Absent.TOO_MANY
        level = deeper
    if level:
        return Absent.TOO_MANY
    return list(recipients.values()) or Absent.UNKNOWN_USER
