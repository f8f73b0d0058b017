"""What was read of accounts, kept for as long as nothing in them has changed.

The edition of an account (edition.py) says so without a statement, and whoever has changed
something, in whichever process: an answer that is kept is the one that the database would give.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from .mailboxes import Mailbox, find_mailbox
from .store import Store

MOST = 20_000  # answers, of all accounts
LONGEST = 256  # characters of the name of a mailbox of which something is kept


@dataclass(slots=True, eq=False)
class Found:
    """Of one account, at one edition; an odd one is none, and nobody keeps it."""

    edition: int
    answers: dict[Hashable, Any] = field(default_factory=dict)


class Known:
    """What is kept, of all accounts; those that have changed or come first go first."""

    def __init__(self, store: Store, most: int = MOST) -> None:
        self._store = store
        self._edition_of = store.edition_of
        self._most = most
        self._found: dict[int, Found] = {}
        self.count = 0  # answers, and as one more each account that has some

    def of(self, account: int) -> Found:
        """What is known now; ask for it before anything is read that shall be kept in it."""
        edition = self._edition_of(account)
        found = self._found.get(account)
        if found is not None:
            if found.edition == edition:
                return found
            self._forget(account)
        return Found(edition)

    def keep(self, account: int, found: Found, key: Hashable, answer: object) -> None:
        """Keep what was read after `found` was asked for."""
        if found.edition & 1:
            return
        kept = self._found.setdefault(account, found)
        if kept is not found:
            return  # another one has come meanwhile
        self.count += (key not in found.answers) + (not found.answers)
        found.answers[key] = answer
        while self.count > self._most:
            self._forget(next(iter(self._found)))

    def mailbox(self, account: int, name: str) -> Mailbox | None:
        """The mailbox of this name."""
        found = self.of(account)
        mailbox: Mailbox | None = found.answers.get(name)
        if mailbox is None:
            mailbox = self._store.read(find_mailbox(account, name))
            if mailbox is not None and len(name) <= LONGEST:
                self.keep(account, found, name, mailbox)
        return mailbox

    def _forget(self, account: int) -> None:
        answers = self._found.pop(account).answers
        self.count -= 1 + len(answers)
        answers.clear()  # whoever has it may keep more in it, which is counted anew
