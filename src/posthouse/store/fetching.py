"""Rows for FETCH and SEARCH: what is stored of a few messages, in one statement.

A message that was expunged is read from its tombstone, so that a session that has not been told
yet can still fetch it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat

from posthouse.message.summary import SUMMARY_VERSION, Summary
from posthouse.protocols.imap.mail_events import Held, Need, Rare
from posthouse.protocols.imap.mail_events import Row as FetchRow

from .contents import Compared
from .unit import Row, Unit, Work, one_of, rows_of

SUMMED_UP = Need.ENVELOPE | Need.BODY | Need.STRUCTURE | Need.SENT

NO_SUMMARY: Row = (None, None, None, None)

_PLAIN = "m.uid, m.internal_date, m.size, m.content, m.prefix"
_SUMMARY = ", s.version, s.envelope, s.body, s.bodystructure, s.sent_day"
_HEADER = ", o.header"
_CONTENT = ", o.header, o.body, o.packed, o.checksum"
_LISTED = f", CASE s.version WHEN {SUMMARY_VERSION} THEN s.listed END"


def _statement(table: str, summary: bool, octets: str) -> str:
    columns = _PLAIN + (_SUMMARY if summary else "") + octets
    joins = ""
    if summary or octets == _LISTED:
        joins += " LEFT JOIN summary AS s ON s.content = m.content"
    if octets in (_HEADER, _CONTENT):
        joins += " JOIN content_octets AS o ON o.content = m.content"
    return (
        f"SELECT {columns} FROM {table} AS m{joins} WHERE m.account = ?1"  # noqa: S608
        " AND m.mailbox = ?2 AND m.uid BETWEEN ?3 AND ?4 ORDER BY m.uid"
    )


_STATEMENTS = {
    (table, summary, octets): _statement(table, summary, octets)
    for table in ("message", "tombstone")
    for summary in (False, True)
    for octets in ("", _LISTED, _HEADER, _CONTENT)
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What needs mean; found once, since a flag takes a microsecond to be looked at."""

    octets: str  # columns
    summary: bool
    content: bool
    header: bool
    listed: bool  # fields of the header, and neither it nor the content


@lru_cache(2048)  # as many as there are
def _plan(needs: Need) -> _Plan:
    content, header = bool(needs & Need.CONTENT), bool(needs & Need.HEADER)
    listed = bool(needs & Need.LISTED) and not content and not header
    octets = _CONTENT if content else _HEADER if header else _LISTED if listed else ""
    return _Plan(octets, bool(needs & SUMMED_UP), content, header, listed)


def whole_header(needs: Need) -> Need:
    """The same, where the fields that are listed are not known apart."""
    return needs & ~Need.LISTED | Need.HEADER


def lacks_listed(rows: Sequence[Row], needs: Need) -> bool:
    """The fields that are listed are wanted, and not known of all of these."""
    return _plan(needs).listed and None in [row[-1] for row in rows]


def fetch_rows(account: int, mailbox: int, uids: Sequence[int], needs: Need) -> Unit[list[Row]]:
    """The rows of these UIDs, ascending, expunged ones among them, as `Shaper` takes them."""

    def unit() -> Work[list[Row]]:
        plan = _plan(needs)
        octets, summary = plan.octets, plan.summary
        first, last = uids[0], uids[-1]
        rows = yield from rows_of(
            _STATEMENTS["message", summary, octets], account, mailbox, first, last
        )
        if [row[0] for row in rows] == list(uids):
            return rows
        wanted = set(uids)
        found = {row[0]: row for row in rows if row[0] in wanted}
        if len(found) < len(wanted):
            rows = yield from rows_of(
                _STATEMENTS["tombstone", summary, octets], account, mailbox, first, last
            )
            found.update({row[0]: row for row in rows if row[0] in wanted})
        return [found[uid] for uid in sorted(found)]

    return unit


_RARE = (
    "SELECT m.uid, m.content, m.internal_date, {saved}{preview} FROM {table} AS m{join}"
    " WHERE m.account = ?1 AND m.mailbox = ?2 AND m.uid BETWEEN ?3 AND ?4"
)
_WITH_PREVIEW = {
    "preview": ", s.version, s.preview",
    "join": " LEFT JOIN summary AS s ON s.content = m.content",
}
_RARE_STATEMENTS = {
    (table, preview): _RARE.format(
        table=table, saved=saved, **(_WITH_PREVIEW if preview else {"preview": "", "join": ""})
    )
    for table, saved in (("message", "m.saved"), ("tombstone", "NULL"))
    for preview in (False, True)
}


def fetch_rare(account: int, mailbox: int, uids: Sequence[int], needs: Need) -> Unit[list[Row]]:
    """What is wanted seldom of these UIDs and others between them; `rare_of` takes a row."""

    def unit() -> Work[list[Row]]:
        preview = bool(needs & Need.PREVIEW)
        found: list[Row] = []
        for table in ("tombstone", "message"):
            found += yield from rows_of(
                _RARE_STATEMENTS[table, preview], account, mailbox, uids[0], uids[-1]
            )
        return found

    return unit


def rare_of(row: Row, again: Callable[[int], Summary]) -> Rare:
    """The number of a content may be given again, but not within a second (RFC 8474 §5.1)."""
    email_id = b"M%d-%d" % (row[1], row[2] & _ALL_BITS)
    if len(row) == len(_RARE_COLUMNS):
        return Rare(email_id, row[3])
    preview = row[5] if row[4] == SUMMARY_VERSION else again(row[1]).preview
    return Rare(email_id, row[3], preview)


_RARE_COLUMNS = ("uid", "content", "internal_date", "saved")
_ALL_BITS = (1 << 64) - 1


def spread_out(uids: Sequence[int]) -> list[Sequence[int]]:
    """UIDs in runs that are dense enough to be read as a range each."""
    if uids[-1] - uids[0] < 2 * len(uids):
        return [uids]
    runs: list[Sequence[int]] = []
    run = array("I")
    for uid in uids:
        if run and uid - run[-1] > 8:
            runs.append(run)
            run = array("I")
        run.append(uid)
    runs.append(run)
    return runs


@dataclass(frozen=True, slots=True)
class Shaper:
    """Makes of stored rows what FETCH wants, all rows of a question at once.

    `again` makes a summary that is missing or of an older maker; `file_of` says in which file a
    content lies, if it is in one; `header_in_file` reads a header that is too large for a row;
    `compared` knows which contents are what was written.
    """

    again: Callable[[int], Summary]
    file_of: Callable[[int], str | None]
    header_in_file: Callable[[str], bytes]
    compared: Compared

    def shape(self, rows: Sequence[Row], needs: Need) -> list[FetchRow]:
        plan = _plan(needs)
        summary = plan.summary
        if plan.content:
            return [self._with_content(row, summary) for row in rows]
        if plan.header:
            return [self._with_header(row, summary) for row in rows]
        if plan.listed:
            return self._with_listed(rows, summary)
        if summary:
            return [
                (uid, date, size, envelope, body, structure, None, None, day, None)
                for uid, date, size, _, _, _, envelope, body, structure, day in map(
                    self._current, rows
                )
            ]
        return [(row[0], row[1], row[2], None, None, None, None, None, None, None) for row in rows]

    def _current(self, row: Row) -> Row:
        """A row whose summary is of this program's maker."""
        if row[5] == SUMMARY_VERSION:
            return row
        made = self.again(row[3])
        mine = (SUMMARY_VERSION, made.envelope, made.body, made.body_structure, made.sent_day)
        return (*row[:5], *mine, *row[10:])

    def _summary(self, row: Row, summary: bool) -> Row:
        return self._current(row)[6:10] if summary else NO_SUMMARY

    def _with_header(self, row: Row, summary: bool) -> FetchRow:
        uid, date, size, content, prefix = row[:5]
        header = row[-1] or self._large_header(content)
        envelope, body, structure, day = self._summary(row, summary)
        return uid, date, size, envelope, body, structure, prefix + header, None, day, None

    def _with_listed(self, rows: Sequence[Row], summary: bool) -> list[FetchRow]:
        found = [self._summary(row, summary) for row in rows] if summary else repeat(NO_SUMMARY)
        return [
            (row[0], row[1], row[2], envelope, body, structure, row[4] + row[-1], None, day, None)
            for row, (envelope, body, structure, day) in zip(rows, found, strict=False)
        ]

    def _with_content(self, row: Row, summary: bool) -> FetchRow:
        uid, date, size, content, prefix = row[:5]
        header, rest, packed, checksum = row[-4:]
        envelope = body = structure = day = None
        if summary:
            envelope, body, structure, day = self._summary(row, summary)
        octets: bytes | Held
        whole_header = prefix + header if prefix else header
        # No body beside the header: an empty one, or one that lies in a file.
        if len(prefix) + len(header) < size and not rest:
            octets = Held(uid, size)
            whole_header = prefix + (header or self._large_header(content))
        else:
            octets = self.compared.whole(content, prefix, header, rest, packed, checksum)
        return uid, date, size, envelope, body, structure, whole_header, octets, day, None

    def _large_header(self, content: int) -> bytes:
        file = self.file_of(content)
        return b"" if file is None else self.header_in_file(file)


def file_of_content(content: int) -> Unit[str | None]:
    """The file of a content; None if it lies in a row."""

    def unit() -> Work[str | None]:
        row = yield from one_of("SELECT file FROM content WHERE id = ?1", content)
        return None if row is None else row[0]

    return unit


def find_file(account: int, mailbox: int, uid: int) -> Unit[tuple[str, bytes, int] | None]:
    """The file of a message's content, its prefix and the size of both."""

    def unit() -> Work[tuple[str, bytes, int] | None]:
        for sql in (_FILE_OF_MESSAGE, _FILE_OF_TOMBSTONE):
            row = yield from one_of(sql, account, mailbox, uid)
            if row is not None:
                return row[0], row[1], row[2]
        return None

    return unit


_FILE_OF_MESSAGE = (
    "SELECT c.file, m.prefix, m.size FROM message AS m JOIN content AS c ON c.id = m.content"
    " WHERE m.account = ?1 AND m.mailbox = ?2 AND m.uid = ?3 AND c.file IS NOT NULL"
)
_FILE_OF_TOMBSTONE = _FILE_OF_MESSAGE.replace("FROM message", "FROM tombstone")
