"""Answers about what messages hold, for FETCH and SEARCH: rows of the database and large contents.

Short reads are done where they stand. What may take long is a thread's, a message at a time: to
read a large content, and to make a summary that is missing or of an older maker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from posthouse.message.structure import parse
from posthouse.message.summary import Summary, summarise
from posthouse.protocols.dialogue import Damaged
from posthouse.protocols.imap.mail_events import (
    FetchRows,
    Need,
    ReadContent,
    ReadStructure,
    Row,
)

from ..blobs.files import BlobFiles
from ..contents import ContentDamaged, Stored, header_size, read_content
from ..fetching import (
    Shaper,
    fetch_rare,
    fetch_rows,
    file_of_content,
    find_file,
    lacks_listed,
    rare_of,
    spread_out,
    whole_header,
)
from ..store import Store
from ..summaries import keep_summary

HEADER_IN_FILE = 256 * 1024  # octets of a file that are searched for the end of the header
NO_SUMMARY = summarise(b"")

File = tuple[str, bytes, int]  # of a content: its name, the prefix of the message, the size of both


class ReadAnswers:
    """For one connection; `place` gives the account and the mailbox that is selected."""

    def __init__(
        self, store: Store, blobs: BlobFiles, place: Callable[[], tuple[int, int]]
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._place = place
        self._shaper = Shaper(self._summary, self._file_of, self._header, store.compared)
        self._summaries: dict[int, Summary | None] = {}  # by content; None: still to be made
        self._headers: dict[str, bytes | None] = {}  # by file; None: still to be read
        #: Account, mailbox and UID of the large message that was read last, and its file.
        self._file: tuple[tuple[int, int, int], File] = ((0, 0, 0), ("", b"", 0))

    def _fetch(self, question: FetchRows) -> object:
        """At once, if all is at hand."""
        rows = self._rows(question)
        if self._summaries or self._headers:
            return self._fetch_later(question)
        return rows

    async def _fetch_later(self, question: FetchRows) -> list[Row]:
        """Get what is not at hand, and look again."""
        try:
            for content in self._summaries:
                self._summaries[content] = await self._summarise(content)
            for file in self._headers:
                self._headers[file] = await asyncio.to_thread(self._header_in_file, file)
            # What is not at hand now has been filed meanwhile; the next question is about it.
            return self._rows(question)
        except ContentDamaged as error:
            raise Damaged(str(error)) from error
        finally:
            self._summaries, self._headers = {}, {}

    def _rows(self, question: FetchRows) -> list[Row]:
        try:
            return self._shaped(question)
        except ContentDamaged as error:
            raise Damaged(str(error)) from error

    def _shaped(self, question: FetchRows) -> list[Row]:
        account, mailbox = self._place()
        needs = question.needs
        rows: list[Row] = []
        for uids in spread_out(question.uids):
            found = self._store.read(fetch_rows(account, mailbox, uids, needs))
            if lacks_listed(found, needs):
                needs = whole_header(needs)
                found = self._store.read(fetch_rows(account, mailbox, uids, needs))
            shaped = self._shaper.shape(found, needs)
            if needs & Need.RARE:
                shaped = self._with_rare(shaped, uids, needs)
            rows += shaped
        return rows

    def _with_rare(self, rows: list[Row], uids: Sequence[int], needs: Need) -> list[Row]:
        found = self._store.read(fetch_rare(*self._place(), uids, needs))
        rare = {row[0]: row for row in found}
        return [
            (*row[:9], rare_of(rare[row[0]], self._summary) if row[0] in rare else None)
            for row in rows
        ]

    def _file_of(self, content: int) -> str | None:
        return self._store.read(file_of_content(content))

    # What may not be at hand

    def _summary(self, content: int) -> Summary:
        return self._summaries.setdefault(content, None) or NO_SUMMARY

    def _header(self, file: str) -> bytes:
        return self._headers.setdefault(file, None) or b""

    async def _summarise(self, content: int) -> Summary:
        """A summary that is missing, or of an older maker."""
        stored = self._store.read(lambda: read_content(content))
        if stored is None:
            return NO_SUMMARY
        made = await asyncio.to_thread(self._sum_up, stored)
        # Kept for the next reader; one that cannot be kept is made again.
        self._store.write(keep_summary(content, made)).add_done_callback(
            lambda done: done.cancelled() or done.exception()
        )
        return made

    def _sum_up(self, stored: Stored) -> Summary:
        octets = stored.octets
        if octets is None:
            assert stored.file is not None
            octets = self._read_file((stored.file, b"", stored.size), 0, stored.size)
        return summarise(octets)

    def _header_in_file(self, file: str) -> bytes:
        beginning = self._read(file, 0, HEADER_IN_FILE)
        return beginning[: header_size(beginning)]

    # Large contents

    def _read_content(self, question: ReadContent) -> object:
        """At once what the system has in memory; a thread waits for the disk."""
        file = self._find_file(question.handle)
        name, top, start, rest = _place_in(file, question.offset, question.length)
        octets = self._blobs.read_at_hand(name, start, rest)
        if octets is None:
            return asyncio.to_thread(self._read_file, file, question.offset, question.length)
        return top + octets if top else octets

    def _read_structure(self, question: ReadStructure) -> object:
        file, prefix, size = self._find_file(question.handle)
        return asyncio.to_thread(lambda: parse(self._read_file((file, prefix, size), 0, size)))

    def _find_file(self, uid: object) -> File:
        assert isinstance(uid, int)
        account, mailbox = self._place()
        place, file = self._file
        if place != (account, mailbox, uid):
            found = self._store.read(find_file(account, mailbox, uid))
            if found is None:
                raise FileNotFoundError(f"the content of message {uid} is no longer there")
            file = found
            self._file = ((account, mailbox, uid), file)
        return file

    def _read_file(self, file: File, offset: int, length: int) -> bytes:
        name, top, start, rest = _place_in(file, offset, length)
        octets = self._read(name, start, rest) if rest else b""
        if len(octets) != rest:  # a part must not seem complete
            raise Damaged(f"the file {name} is too short")
        return top + octets

    def _read(self, file: str, offset: int, length: int) -> bytes:
        """Of a file that a row names."""
        try:
            return self._blobs.read(file, offset, length)
        except FileNotFoundError as error:
            raise Damaged(f"the file {file} is not there") from error

    answers: ClassVar[Mapping[type, Callable[..., object]]] = {
        FetchRows: _fetch,
        ReadContent: _read_content,
        ReadStructure: _read_structure,
    }


def _place_in(file: File, offset: int, length: int) -> tuple[str, bytes, int, int]:
    """Where octets of a message lie: the file, those of the prefix, where in the file the rest."""
    name, prefix, _ = file
    top = prefix[offset : offset + length]
    return name, top, max(0, offset - len(prefix)), length - len(top)
