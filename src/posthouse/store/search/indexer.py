"""Keeps the index near to the mailboxes; one process at a time, in a thread of its own.

It follows by comparing marks with the mailboxes, so that nothing it did not hear of is missed.
It waits until letters have come to rest, so that delivery does not wait for it; what it has not
come to is looked at by whoever searches.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from ..blobs.files import BlobFiles
from ..database import Runner, connect
from ..unit import Row, Unit, Work, rows_of
from .documents import document, messages_after
from .index import LAST_UID, Damaged, Index, Known, remove
from .searching import Searching

LOCK = "search.lock"
AT_ONCE = 128  # messages in one transaction
LARGE = 8 * 1024 * 1024  # octets in one transaction
IDLE = 600.0  # seconds between two looks when nothing was heard
CHECKED = 86_400.0  # seconds between two looks through the whole index
NICE = 10

Look = Callable[[Unit[list[Row]]], list[Row]]


class Log(Protocol):
    def error(self, event: str, **fields: object) -> object: ...


@contextlib.contextmanager
def only_one(directory: Path, wait: bool) -> Iterator[bool]:
    """Be the one process that writes to the index; False if another one is."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    mutex = os.open(directory / LOCK, flags, 0o600)
    try:
        try:
            fcntl.flock(mutex, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(mutex)


def all_mailboxes() -> Work[list[Row]]:
    """Account, its time of creation, mailbox, last UID, messages, mod-sequence."""
    return (
        yield from rows_of(
            "SELECT a.id, a.created, m.id, m.uid_next - 1, m.messages,"
            " m.highest_modseq FROM mailbox AS m JOIN account AS a ON a.id = m.account"
        )
    )


def waiting(index: Index | None, look: Look) -> int:
    """How many messages are not indexed yet."""
    marks = index.marks() if index is not None else {}
    count = 0
    for account, created, mailbox, last, _, _ in look(all_mailboxes):
        known = marks.get((account, created, mailbox))
        mark = known.mark if known else 0
        if mark < last:
            count += look(_after(account, mailbox, mark))[0][0]
    return count


def _after(account: int, mailbox: int, uid: int) -> Unit[list[Row]]:
    def unit() -> Work[list[Row]]:
        return (
            yield from rows_of(
                "SELECT count(*) FROM message WHERE account = ?1 AND mailbox = ?2 AND uid > ?3",
                account,
                mailbox,
                uid,
            )
        )

    return unit


def open_index(directory: Path, *, check: bool = False) -> Index:
    """The index, made anew if it is not to be trusted. Under the lock."""
    try:
        index = Index(directory, create=True)
        if check:
            try:
                index.check()
            except Damaged:
                index.close()
                raise
    except Damaged:
        remove(directory)
        index = Index(directory, create=True)
    return index


def catch_up(
    index: Index,
    look: Look,
    blobs: BlobFiles,
    stopped: Callable[[], bool] = lambda: False,
    *,
    thoroughly: bool = False,
) -> int:
    """Index all that is not yet; how many messages. Raises Damaged, apsw.Error."""
    done = 0
    marks = index.marks()
    places = {
        (account, mailbox): (account, created, mailbox) for account, created, mailbox in marks
    }
    present = look(all_mailboxes)
    for account, created, mailbox, last, messages, modseq in present:
        known = marks.pop((account, created, mailbox), None)
        if known is None and last == 0:
            continue
        if known is not None and known.modseq == modseq and known.mark >= last and not thoroughly:
            continue
        if known is None:
            if gone := places.get((account, mailbox)):
                index.forget(marks.pop(gone))  # of an account that had this id before
            known = index.begin(account, created, mailbox)
        while known.mark < last and not stopped():
            known, count = _index_some(index, look, blobs, known, (account, mailbox, last))
            done += count
        if not stopped():
            if index.count_of(known) > messages:
                _forget_expunged(index, look, known, account, mailbox)
            index.settle(known, modseq)
    for known in marks.values():
        if not stopped():
            index.forget(known)
    return done


def _index_some(
    index: Index, look: Look, blobs: BlobFiles, known: Known, where: tuple[int, int, int]
) -> tuple[Known, int]:
    account, mailbox, last = where
    rows = look(messages_after(account, mailbox, known.mark, AT_ONCE))
    octets = 0
    documents = []
    for row in rows:
        documents.append(document(row, blobs.read_all))
        octets += row[2]
        if octets > LARGE:
            break
    newest = documents[-1].uid if documents else last
    # There may be newer ones than when the mailbox was looked at; and after the last, none.
    mark = newest if len(documents) == AT_ONCE or octets > LARGE else max(newest, last)
    return index.add(known, documents, mark), len(documents)


def _forget_expunged(index: Index, look: Look, known: Known, account: int, mailbox: int) -> None:
    keys = index.keys(known)

    def uids() -> Work[list[Row]]:
        return (
            yield from rows_of(
                "SELECT uid FROM message WHERE account = ?1 AND mailbox = ?2", account, mailbox
            )
        )

    live = {row[0] for row in look(uids)}
    index.discard(known, [uid for key in keys if (uid := key & LAST_UID) not in live])


def _stand_back() -> None:
    """The thread lets others go first."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


class Indexer:
    """The indexing of one process, beside its loop."""

    def __init__(self, directory: Path, searching: Searching, delay: float, log: Log) -> None:
        self._searching = searching
        self._directory = directory
        self._delay = delay
        self._log = log
        self._blobs = BlobFiles(directory)
        self._heard = asyncio.Event()
        self._ended = threading.Event()
        self._index: Index | None = None  # that the thread is at

    def hear(self, _account: int, _modseq: int) -> None:
        """Something of an account has changed."""
        self._heard.set()

    async def run(self) -> None:
        """Index from time to time, until cancelled."""
        checked = float("-inf")
        loop = asyncio.get_running_loop()
        pool = ThreadPoolExecutor(1, "indexer", _stand_back)
        try:
            while True:
                self._heard.clear()
                now = loop.time()
                thoroughly = now - checked > CHECKED or self._searching.damaged
                checked = now if thoroughly else checked
                self._searching.damaged = False
                await loop.run_in_executor(pool, self._round, thoroughly)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE):  # wait_for of 3.11 may lose a cancellation
                        await self._heard.wait()
                await asyncio.sleep(self._delay)
        finally:
            self._ended.set()
            if (index := self._index) is not None:
                index.interrupt()
            pool.shutdown(wait=True)  # for the time of one transaction

    def _round(self, thoroughly: bool) -> None:
        try:
            with only_one(self._directory, wait=False) as mine:
                if mine:
                    self._index_all(thoroughly)
        except Exception as error:  # noqa: BLE001  the next round may do better
            self._log.error("indexing failed", error=repr(error))

    def _index_all(self, thoroughly: bool) -> None:
        connection = connect(self._directory, mapped=True)
        try:
            index = self._index = open_index(self._directory)
            try:
                if thoroughly:
                    index.check()
                self._catch_up(index, Runner(connection), thoroughly)
            except Damaged as error:
                if self._ended.is_set():  # it was interrupted
                    return
                self._log.error("the search index is damaged and made anew", error=str(error))
                index.close()
                remove(self._directory)
                index = Index(self._directory, create=True)
                self._catch_up(index, Runner(connection), thoroughly)
            finally:
                self._index = None
                index.close()
        finally:
            connection.close()

    def _catch_up(self, index: Index, runner: Runner, thoroughly: bool) -> None:
        catch_up(index, runner.look, self._blobs, self._ended.is_set, thoroughly=thoroughly)
