"""Letters that were for another site, and are for this one now: its domain was added since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from posthouse.accounts.directory import SEPARATOR, Absent
from posthouse.accounts.domains import local_since
from posthouse.message.address import parse_mailbox
from posthouse.mta.queue.outcome import Deferred, Expanded, Failed, Outcome, Trouble
from posthouse.mta.receive.recipients import find
from posthouse.store.unit import Unit

T = TypeVar("T")

NO_USER = Trouble("there is no such user at this site", "5.1.1")
NO_USER_YET = Trouble("there is no such user at this site yet; its domain is new here", "4.1.1")
TOO_MANY = Trouble("the address stands for too many others at this site", "4.3.5")
NOT_OURS = Trouble("the domain has changed its place; it will be looked up again", "4.3.5")


class Store(Protocol):
    def read(self, unit: Unit[T]) -> T: ...


@dataclass(frozen=True, slots=True)
class HandOver:
    """Finds the mailboxes that take the place of such a recipient."""

    store: Store
    now: Callable[[], float]
    young: float  # seconds in which a domain may still get its accounts
    separator: str = SEPARATOR

    def outcome(self, forward_path: str) -> Outcome:
        """Who gets the letter here; or nobody does."""
        try:
            address = parse_mailbox(forward_path, smtputf8=True)
        except ValueError:
            return Failed(NO_USER)
        found = self.store.read(find(address, self.separator))
        if found is Absent.UNKNOWN_USER:
            return Deferred(NO_USER_YET) if self._is_young(address.domain) else Failed(NO_USER)
        if isinstance(found, Absent):
            return Deferred(TOO_MANY if found is Absent.TOO_MANY else NOT_OURS)
        return Expanded(
            tuple(
                each
                if each.forward_path == forward_path
                else replace(each, original=each.original or forward_path)
                for each in found
            )
        )

    def _is_young(self, domain: str) -> bool:
        since = self.store.read(local_since(domain))
        return since is not None and self.now() < since + self.young
