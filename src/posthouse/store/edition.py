"""Numbers that tell every process, without a statement, that nothing has changed since it looked.

They are words of files that all processes map. Whoever writes a change makes the word odd before
the commit and another even number after it; only one writes at a time (turnstile.py). So what was
read while the number was even holds for as long as it is the same, in whichever process. The
number is taken before what is read: what changes meanwhile is seen with the next look. An odd
number that is found by who has the turnstile is of a process that died in between: the change may
be there or not, and what was read before is not used again.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from .unit import Tell

#: The topic of what a unit tells that changes the directory.
DIRECTORY = "directory"
#: The topics of what a unit tells that changes mailboxes: their key is the account.
ACCOUNTS, RECENT = "account", "recent"
_OF_ACCOUNTS = frozenset((ACCOUNTS, RECENT))

WORD = 8  # octets
SHARED = 4095  # words of the accounts, in turn; with their guard, eight pages
_MOST = 0xFFFF_FFFF_FFFF_FFFF


class Words:
    """One process's view of a file of words."""

    def __init__(self, path: Path, count: int) -> None:
        """Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, count * WORD)  # what is there stays as it is
            self._map = mmap.mmap(descriptor, count * WORD)
        finally:
            os.close(descriptor)
        self.words = memoryview(self._map).cast("Q")

    def begin(self, at: int) -> None:
        self.words[at] |= 1

    def end(self, at: int) -> None:
        number = self.words[at]
        if number & 1:
            self.words[at] = (number + 1) & _MOST

    def close(self) -> None:
        self.words.release()
        self._map.close()


class Edition:
    """The number of the directory: which domains, accounts and aliases there are."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError."""
        self._file = Words(directory / "directory.edition", 1)

    @property
    def number(self) -> int:
        """Odd while a change is on its way: nothing that is read now may be kept."""
        return self._file.words[0]

    def begin(self) -> None:
        """A change will be committed. The turnstile is the caller's."""
        self._file.begin(0)

    def end(self) -> None:
        """No change is on its way any more. The turnstile is the caller's."""
        self._file.end(0)

    def close(self) -> None:
        self._file.close()


class AccountEditions:
    """The numbers of the accounts: which mailboxes and messages each has.

    A few accounts may share a word, and then each other's changes. The first word is the guard of
    the others, odd while some of them are: who finds it so is to look for what the dead have left.
    """

    def __init__(self, directory: Path) -> None:
        """Raises OSError."""
        self._file = Words(directory / "accounts.edition", 1 + SHARED)
        self._words = self._file.words
        self._begun: Collection[int] = ()

    def of(self, account: int) -> int:
        """Odd while a change is on its way: nothing that is read now may be kept."""
        return self._words[1 + account % SHARED]

    def begin(self, accounts: Iterable[int]) -> None:
        """Changes of these accounts will be committed. The turnstile is the caller's."""
        if self._words[0] & 1:
            self._bury()
        self._begun = {1 + account % SHARED for account in accounts}
        if self._begun:
            self._file.begin(0)
        for at in self._begun:
            self._file.begin(at)

    def end(self) -> None:
        """No change is on its way any more. The turnstile is the caller's."""
        for at in self._begun:
            self._file.end(at)
        if self._begun:
            self._file.end(0)
        self._begun = ()

    def _bury(self) -> None:
        for at in range(SHARED, -1, -1):  # the guard at last
            self._file.end(at)

    def close(self) -> None:
        self._words.release()
        self._file.close()


class Editions:
    """Both, for who writes: what a group of units has told says whose numbers go on."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError."""
        self.directory = Edition(directory)
        self.accounts = AccountEditions(directory)

    def begin(self, told: Iterable[Tell]) -> None:
        """What was told will be committed. The turnstile is the caller's."""
        accounts = []
        for tell in told:
            if tell.topic in _OF_ACCOUNTS:
                accounts.append(tell.key)
            elif tell.topic == DIRECTORY:
                self.directory.begin()
        self.accounts.begin(accounts)

    def end(self) -> None:
        """It is committed, or never will be. The turnstile is the caller's."""
        self.accounts.end()
        self.directory.end()

    def close(self) -> None:
        self.directory.close()
        self.accounts.close()
