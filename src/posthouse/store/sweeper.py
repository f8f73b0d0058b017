"""Forgets what nobody needs any more: tombstones, contents without users, orphaned files.

One process at a time does it, a little at a time, so that nobody waits for it.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
from collections.abc import Callable
from typing import Protocol

from .blobs.files import BlobFiles
from .contents import sweep_contents
from .expiry import Expiry
from .messages.expunge import sweep_tombstones
from .store import Store
from .unit import Row, Unit, Work, one_of, rows_of, run

LOCK = "sweep.lock"  # the file that is locked by who sweeps, or wants that nobody does
PAUSE = 60.0  # seconds between two rounds
RARELY = 30  # rounds between two looks through the whole feed and all files
AT_ONCE = 200  # rows in one unit
REMEMBERED = 7 * 86_400  # seconds that an expunged message is remembered
CHANGES_KEPT = 10_000  # rows of the change feed of one mailbox


class Log(Protocol):
    def error(self, event: str, **fields: object) -> object: ...


def crowded(most: int) -> Unit[list[Row]]:
    """Mailboxes with more changes than this, by account and id: a look through the whole feed."""

    def unit() -> Work[list[Row]]:
        return (
            yield from rows_of(
                "SELECT account, mailbox FROM change GROUP BY account, mailbox"
                " HAVING count(*) > ?1",
                most,
            )
        )

    return unit


def trim_changes(account: int, mailbox: int, most: int) -> Unit[None]:
    """Forget all but the last changes of a mailbox; a view that is older is loaded anew."""

    def unit() -> Work[None]:
        row = yield from one_of(
            "SELECT modseq FROM change WHERE account = ?1 AND mailbox = ?2"
            " ORDER BY modseq DESC LIMIT 1 OFFSET ?3",
            account,
            mailbox,
            most,
        )
        if row is None:
            return
        yield from run(
            "UPDATE mailbox SET change_floor = max(change_floor, ?3)"
            " WHERE account = ?1 AND id = ?2",
            account,
            mailbox,
            row[0],
        )
        yield from run(
            "DELETE FROM change WHERE account = ?1 AND mailbox = ?2 AND modseq <= ?3",
            account,
            mailbox,
            row[0],
        )

    return unit


def unnamed(names: list[str]) -> Unit[list[str]]:
    """Those of these files that no content bears."""

    def unit() -> Work[list[str]]:
        named: set[str] = set()
        for name in names:
            rows = yield from rows_of("SELECT file FROM content WHERE file = ?1", name)
            named.update(row[0] for row in rows)
        return [name for name in names if name not in named]

    return unit


class Sweeper:
    """The sweeping of one process."""

    def __init__(
        self,
        store: Store,
        blobs: BlobFiles,
        now: Callable[[], float],
        log: Log,
        expiry: Expiry | None = None,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._now = now
        self._log = log
        self._expiry = expiry

    async def run(self) -> None:
        """Sweep from time to time, until cancelled."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        mutex = os.open(self._store.directory / LOCK, flags, 0o600)
        try:
            for number in itertools.count():
                await asyncio.sleep(PAUSE)
                try:
                    fcntl.flock(mutex, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue  # another process is at it
                try:
                    await self.sweep(thoroughly=number % RARELY == 0)
                except Exception as error:  # noqa: BLE001  the next round may do better
                    self._log.error("sweeping failed", error=repr(error))
                finally:
                    fcntl.flock(mutex, fcntl.LOCK_UN)
        finally:
            os.close(mutex)

    async def sweep(self, thoroughly: bool) -> None:
        """One round."""
        write = self._store.write
        if self._expiry is not None:
            await self._expiry.sweep(self._store, int(self._now()))
        before = int(self._now()) - REMEMBERED
        while await write(sweep_tombstones(before, AT_ONCE)) == AT_ONCE:
            pass
        swept = AT_ONCE
        while swept == AT_ONCE:
            swept, files = await write(lambda: sweep_contents(AT_ONCE))
            await self._remove(files)
        if thoroughly:
            await self._trim()
            await self._sweep_files()

    async def _trim(self) -> None:
        for account, mailbox in await self._store.read_long(crowded(2 * CHANGES_KEPT)):
            await self._store.write(trim_changes(account, mailbox, CHANGES_KEPT), long=True)

    async def _sweep_files(self) -> None:
        old = await asyncio.to_thread(lambda: list(self._blobs.old_names()))
        for start in range(0, len(old), AT_ONCE):
            await self._remove(await self._store.read_long(unnamed(old[start : start + AT_ONCE])))

    async def _remove(self, files: list[str]) -> None:
        """In a thread: to remove a large file takes the disk a while."""

        def remove() -> None:
            for name in files:
                self._blobs.remove(name)

        if files:
            await asyncio.to_thread(remove)
