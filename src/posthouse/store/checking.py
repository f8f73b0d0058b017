"""Looks through a store for damage: what does not agree with itself, or is not what was written.

It reads alone, beside a running server too, and each of its questions sees one state of the
database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import apsw

from .contents import ContentDamaged, unpack
from .database import connect

BLOCK = 1024 * 1024  # octets of a file that are read at once
AT_ONCE = 500  # contents of one question
#: What reading a damaged row may raise: text need not be UTF-8 any more.
UNREADABLE = (apsw.Error, UnicodeDecodeError, ValueError)
MOST = 20  # rows of one kind of damage that are told

#: By what is wrong, a statement that finds none where all is well.
_NEVER = {
    "a mailbox's counters are wrong": """
SELECT a.address, b.name FROM mailbox AS b JOIN account AS a ON a.id = b.account LEFT JOIN
  (SELECT account, mailbox, count(*) AS n, sum(size) AS octets, max(modseq) AS modseq,
     sum(' ' || flags || ' ' NOT LIKE '% \\Seen %') AS unseen, max(uid) AS uid
   FROM message GROUP BY account, mailbox) AS m ON m.account = b.account AND m.mailbox = b.id
WHERE b.messages <> ifnull(n, 0) OR b.octets <> ifnull(m.octets, 0)
  OR b.unseen <> ifnull(m.unseen, 0) OR b.uid_next <= ifnull(m.uid, 0)
  OR b.highest_modseq < ifnull(m.modseq, 0) OR a.modseq < b.highest_modseq
  OR a.next_mailbox <= b.id OR a.next_uid_validity <= b.uid_validity LIMIT ?1""",
    "a UIDVALIDITY was given twice": "SELECT account, uid_validity FROM mailbox GROUP BY 1, 2"
    " HAVING count(*) > 1 LIMIT ?1",
    "a message is in no mailbox": "SELECT account, mailbox, uid FROM message AS m WHERE NOT EXISTS"
    " (SELECT 1 FROM mailbox WHERE account = m.account AND id = m.mailbox) LIMIT ?1",
    "a message has no content": "SELECT account, mailbox, uid FROM message"
    " WHERE content NOT IN (SELECT id FROM content) LIMIT ?1",
    "a letter in the queue has no content": "SELECT name FROM queue_message"
    " WHERE content NOT IN (SELECT id FROM content) LIMIT ?1",
    "a recipient in the queue has no letter": "SELECT message, forward_path FROM queue_recipient"
    " WHERE message NOT IN (SELECT id FROM queue_message) LIMIT ?1",
    "a content is referred to more or less often than it says": """
SELECT c.id, c.refs, ifnull(n, 0) FROM content AS c LEFT JOIN
  (SELECT content, count(*) AS n FROM (SELECT content FROM message UNION ALL
     SELECT content FROM tombstone UNION ALL SELECT content FROM queue_message)
   GROUP BY content) AS u ON u.content = c.id WHERE c.refs <> ifnull(n, 0) LIMIT ?1""",
}
_NUMBERS = "SELECT id FROM content WHERE id > ?1 ORDER BY id LIMIT ?2"
_CONTENT = """
SELECT c.size, c.file, o.header, o.body, o.packed, o.checksum FROM content AS c
LEFT JOIN content_octets AS o ON o.content = c.id WHERE c.id = ?1
"""
_USERS = """
SELECT a.address || ', ' || b.name || ', UID ' || m.uid FROM message AS m
JOIN account AS a ON a.id = m.account JOIN mailbox AS b ON b.account = m.account AND b.id = mailbox
WHERE m.content = ?1 UNION ALL
SELECT 'queue, ' || name FROM queue_message WHERE content = ?1
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and where."""

    what: str
    where: str


class Checker:
    """One look through the store of a data directory."""

    def __init__(self, directory: Path) -> None:
        """Raises apsw.Error."""
        self._directory = directory
        self._connection = connect(directory)
        self.contents = 0  # how many have been looked at
        self.unknown = 0  # of which nothing but their size is known

    def close(self) -> None:
        self._connection.close()

    def findings(self) -> Iterator[Finding]:
        """All that is wrong, as it is found."""
        yield from self._structure()
        for what, sql in _NEVER.items():
            try:
                for row in self._connection.execute(sql, (MOST,)).fetchall():
                    yield Finding(what, ", ".join(map(str, row)))
            except UNREADABLE as error:
                yield Finding("the database cannot be read", f"{what}? {error}")
        yield from self._contents()

    def _structure(self) -> Iterator[Finding]:
        """What SQLite itself finds."""
        try:
            for (found,) in self._connection.execute(f"PRAGMA integrity_check({MOST})"):
                if found != "ok":
                    yield Finding("the database is damaged", str(found).replace("\n", "; "))
        except UNREADABLE as error:
            yield Finding("the database is damaged", str(error))

    def _contents(self) -> Iterator[Finding]:
        """Each content is whole, in its row or in its file."""
        last: Any = 0
        while True:
            try:
                rows = self._connection.execute(_NUMBERS, (last, AT_ONCE)).fetchall()
            except UNREADABLE as error:
                yield Finding("contents cannot be read", f"after content {last}: {error}")
                return
            for (content,) in rows:
                self.contents += 1
                if reason := self._fault(content):
                    yield Finding(reason, self._where(content))
            if len(rows) < AT_ONCE:
                return
            last = rows[-1][0]

    def _fault(self, content: Any) -> str:
        """What is wrong with a content; empty if it is whole."""
        try:
            ((size, file, header, body, packed, checksum),) = self._connection.execute(
                _CONTENT, (content,)
            ).fetchall()
        except UNREADABLE as error:
            return f"a content cannot be read ({error})"
        if not isinstance(header, bytes) or not isinstance(body, bytes):
            return "a content is lost"
        if not (checksum is None or isinstance(checksum, int)):
            return "the checksum of a content is none"
        self.unknown += checksum is None
        if isinstance(file, str):
            return self._file_fault(file, size, checksum)
        try:
            octets = unpack(header, body, bool(packed), checksum)
        except ContentDamaged:
            return "a content is not what was written"
        return "" if len(octets) == size else "a content is not whole"

    def _file_fault(self, name: str, size: object, checksum: int | None) -> str:
        found, seen = 0, 0
        try:
            with (self._directory / "blobs" / name[:2] / name).open("rb") as file:
                while block := file.read(BLOCK):
                    found = crc32(block, found)
                    seen += len(block)
        except OSError as error:
            return f"a file is lost ({error.strerror}): {name}"
        if seen != size:
            return f"a file is not whole: {name}"
        return f"a file is not what was written: {name}" if checksum not in (None, found) else ""

    def _where(self, content: Any) -> str:
        """The messages and letters of a content."""
        try:
            rows = self._connection.execute(_USERS, (content,)).fetchall()[:MOST]
        except UNREADABLE:
            rows = []
        return "; ".join(str(row[0]) for row in rows) or f"content {content}, of no message"
