"""Rows for FETCH and SEARCH: what is stored of a few messages, in one statement.

A message that was expunged is read from its tombstone, so that a session that has not been told
yet can still fetch it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from posthouse.message.summary import SUMMARY_VERSION, Summary
from posthouse.protocols.imap.mail_events import Held, Need
from posthouse.protocols.imap.mail_events import Row as FetchRow

from .contents import unpack
from .unit import Row, Unit, Work, one_of, rows_of

OCTETS = Need.HEADER | Need.CONTENT
SUMMED_UP = Need.ENVELOPE | Need.BODY | Need.STRUCTURE | Need.SENT

_PLAIN = "m.uid, m.internal_date, m.size, m.content, m.prefix"
_SUMMARY = ", s.version, s.envelope, s.body, s.bodystructure, s.sent_day"
_HEADER = ", o.header, c.file"
_CONTENT = ", o.header, c.file, o.body, o.packed"


def _statement(table: str, summary: bool, octets: str) -> str:
    columns = _PLAIN + (_SUMMARY if summary else "") + octets
    joins = " LEFT JOIN summary AS s ON s.content = m.content" if summary else ""
    if octets:
        joins += (
            " JOIN content AS c ON c.id = m.content"
            " JOIN content_octets AS o ON o.content = m.content"
        )
    return (
        f"SELECT {columns} FROM {table} AS m{joins} WHERE m.account = ?1"  # noqa: S608
        " AND m.mailbox = ?2 AND m.uid BETWEEN ?3 AND ?4 ORDER BY m.uid"
    )


_STATEMENTS = {
    (table, summary, octets): _statement(table, summary, octets)
    for table in ("message", "tombstone")
    for summary in (False, True)
    for octets in ("", _HEADER, _CONTENT)
}


def fetch_rows(account: int, mailbox: int, uids: Sequence[int], needs: Need) -> Unit[list[Row]]:
    """The rows of these UIDs, ascending, expunged ones among them, as `shape` takes them."""

    def unit() -> Work[list[Row]]:
        octets = _CONTENT if needs & Need.CONTENT else _HEADER if needs & Need.HEADER else ""
        summary = bool(needs & SUMMED_UP)
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


def shape(
    row: Row,
    needs: Need,
    again: Callable[[int], Summary],
    header_in_file: Callable[[str], bytes],
    hold: Callable[[Row], Held],
) -> FetchRow:
    """A row as FETCH wants it.

    `again` makes a summary that is missing or of an older maker; `header_in_file` reads a header
    that is too large for a row; `hold` gives what reads a content that lies in a file.
    """
    uid, date, size, content, prefix = row[:5]
    at = 5
    envelope = body = structure = sent_day = None
    if needs & SUMMED_UP:
        version, envelope, body, structure, sent_day = row[5:10]
        at = 10
        if version != SUMMARY_VERSION:
            made = again(content)
            envelope, body, structure = made.envelope, made.body, made.body_structure
            sent_day = made.sent_day
    header = octets = None
    if needs & OCTETS:
        stored_header, file = row[at : at + 2]
        if file is not None and not stored_header:
            stored_header = header_in_file(file)
        header = prefix + stored_header
        if file is not None and needs & Need.CONTENT:
            octets = hold(row)
        elif needs & Need.CONTENT:
            octets = prefix + unpack(stored_header, row[at + 2], row[at + 3])
    return uid, date, size, envelope, body, structure, header, octets, sent_day


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
