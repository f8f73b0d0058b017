"""Letters that were for another site, and are for this one now: its domain was added since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from posthouse.accounts.directory import SEPARATOR, Absent
from posthouse.message.address import parse_mailbox
from posthouse.mta.queue.outcome import Deferred, Expanded, Failed, Outcome, Trouble
from posthouse.mta.receive.recipients import find
from posthouse.store.unit import Unit

T = TypeVar("T")

NO_USER = Trouble("there is no such user at this site", "5.1.1")
NOT_OURS = Trouble("the domain has changed its place; it will be looked up again", "4.3.5")


class Store(Protocol):
    def read(self, unit: Unit[T]) -> T: ...


@dataclass(frozen=True, slots=True)
class HandOver:
    """Finds the mailboxes that take the place of such a recipient."""

    store: Store
    separator: str = SEPARATOR

    def outcome(self, forward_path: str) -> Outcome:
        """Who gets the letter here; or nobody does."""
        try:
            address = parse_mailbox(forward_path, smtputf8=True)
        except ValueError:
            return Failed(NO_USER)
        found = self.store.read(find(address, self.separator))
        if found is Absent.UNKNOWN_USER:
            return Failed(NO_USER)
        if isinstance(found, Absent):
            return Deferred(NOT_OURS)
        return Expanded(
            tuple(
                each
                if each.forward_path == forward_path
                else replace(each, original=each.original or forward_path)
                for each in found
            )
        )
