"""What must be true of a database that has come back, and of every promise made before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from posthouse.message.received import format_delivery
from posthouse.store.contents import unpack
from posthouse.store.database import FILE

from .house import SENDER, address
from .letters import content_of, number_of
from .script import Dump, Ledger, own_rows

Row = tuple[Any, ...]

WRONG_COUNTERS = """
SELECT b.account, b.id, b.name FROM mailbox AS b LEFT JOIN
  (SELECT account, mailbox, count(*) AS n, sum(size) AS octets, max(modseq) AS modseq,
     sum(' ' || flags || ' ' NOT LIKE '% \\Seen %') AS unseen, max(uid) AS uid
   FROM message GROUP BY account, mailbox) AS m ON m.account = b.account AND m.mailbox = b.id
JOIN account AS a ON a.id = b.account
WHERE b.messages <> ifnull(n, 0) OR b.octets <> ifnull(m.octets, 0)
  OR b.unseen <> ifnull(m.unseen, 0) OR b.uid_next <= ifnull(m.uid, 0)
  OR b.highest_modseq < ifnull(m.modseq, 0) OR a.modseq < b.highest_modseq
  OR a.next_mailbox <= b.id OR a.next_uid_validity <= b.uid_validity
"""
WRONG_REFS = """
SELECT c.id, c.refs, n FROM content AS c LEFT JOIN
  (SELECT content, count(*) AS n FROM (SELECT content FROM message UNION ALL
     SELECT content FROM tombstone UNION ALL SELECT content FROM queue_message)
   GROUP BY content) AS u ON u.content = c.id
WHERE c.refs <> ifnull(n, 0)
"""
#: Each gives no row, or something is wrong.
NEVER = {
    "counters": WRONG_COUNTERS,
    "references": WRONG_REFS,
    "message without mailbox": "SELECT * FROM message AS m WHERE NOT EXISTS (SELECT 1 FROM mailbox"
    " WHERE account = m.account AND id = m.mailbox)",
    "message without content": "SELECT * FROM message"
    " WHERE content NOT IN (SELECT id FROM content)",
    "message without summary": "SELECT * FROM message"
    " WHERE content NOT IN (SELECT content FROM summary)",
    "size": "SELECT m.uid FROM message AS m JOIN content AS c ON c.id = content"
    " WHERE m.size <> c.size + length(prefix)",
    "UID used again": "SELECT account, mailbox, uid FROM message"
    " INTERSECT SELECT account, mailbox, uid FROM tombstone",
    "UIDVALIDITY used again": "SELECT account, uid_validity FROM mailbox GROUP BY 1, 2"
    " HAVING count(*) > 1",
    "tombstone beyond UIDNEXT": "SELECT * FROM tombstone AS t JOIN mailbox AS b"
    " ON b.account = t.account AND b.id = t.mailbox WHERE t.uid >= b.uid_next",
    "change beyond the mod-sequence": "SELECT * FROM change AS c JOIN mailbox AS b"
    " ON b.account = c.account AND b.id = c.mailbox WHERE c.modseq > b.highest_modseq",
    "queue": "SELECT id FROM queue_message UNION ALL SELECT message FROM queue_recipient",
}
PLACES = (
    "SELECT account, mailbox, uid, content, prefix, 0 FROM message"
    " UNION ALL SELECT account, mailbox, uid, content, prefix, 1 FROM tombstone"
)


@dataclass
class Found:
    """The database of a folder, and its files."""

    connection: apsw.Connection
    directory: Path

    def rows(self, sql: str, *arguments: object) -> list[Row]:
        return self.connection.execute(sql, arguments).fetchall()

    def wrong(self) -> Iterator[str]:
        """What does not agree with itself."""
        if (answer := self.rows("PRAGMA integrity_check")) != [("ok",)]:
            yield f"integrity: {answer}"
        for what, sql in NEVER.items():
            if rows := self.rows(sql):
                yield f"{what}: {rows[:3]}"
        for content, octets in self.contents():
            if octets is None or octets != content_of(number_of(octets)):
                yield f"content {content} is not whole"

    def contents(self) -> Iterator[tuple[int, bytes | None]]:
        """All contents; None where there is none, or of another size than the row says."""
        for content, size, file, header, body, packed, checksum in self.rows(
            "SELECT id, size, file, header, body, packed, checksum FROM content"
            " LEFT JOIN content_octets ON content = id"
        ):
            octets: bytes | None = None
            if file is None:
                octets = None if header is None else unpack(header, body, packed, checksum)
            elif (path := self.directory / "blobs" / file[:2] / file).is_file():
                octets = path.read_bytes()
            yield content, octets if octets is not None and len(octets) == size else None

    def dump(self, account: int) -> Dump:
        """As `own_rows` reads it."""
        work = own_rows(account)()
        step = next(work)
        while True:
            try:
                step = work.send(self.rows(step.sql, *step.arguments))  # type: ignore[union-attr]
            except StopIteration as stop:
                dump: Dump = stop.value
                return dump


@dataclass
class Verdict:
    """What was looked at, and what is wrong."""

    wrong: list[str]
    promises: int = 0


def check(found: Found, ledger: Ledger, at: int, lenient: bool = False) -> Verdict:
    """Are all promises kept that were made before the moment `at` of the run?

    `lenient`: something refused may be there, once (what a failed sync left is unknown).
    """
    verdict = Verdict(list(found.wrong()))
    if not found.rows("SELECT 1 FROM account"):
        if 0 <= ledger.opened <= at:
            verdict.wrong.append("the accounts are lost")
        return verdict
    numbers = {
        content: number_of(octets) for content, octets in found.contents() if octets is not None
    }
    places: dict[int, list[Row]] = {}
    for row in found.rows(PLACES):
        places.setdefault(numbers.get(row[3], 0), []).append(row)
    verdict.wrong += _letters(ledger, at, places, set(numbers.values()), lenient)
    verdict.wrong += _told(found, ledger, at, places)
    if at >= ledger.opened >= 0:
        for account in ledger.steps:
            verdict.wrong += _owner(found, ledger, at, account, lenient)
    verdict.promises = promises_before(ledger, at)
    return verdict


def promises_before(ledger: Ledger, at: int) -> int:
    letters = sum(
        1 for fate in ledger.letters.values() if fate.promised is not None and fate.promised <= at
    )
    steps = sum(1 for steps in ledger.steps.values() for step in steps if step.at <= at)
    return letters + steps + sum(1 for told in ledger.told if told.at <= at)


def _letters(
    ledger: Ledger, at: int, places: dict[int, list[Row]], kept: set[int], lenient: bool
) -> Iterator[str]:
    """Each letter that was promised is with each recipient once; what was refused nowhere."""
    for number in kept - set(ledger.letters):
        yield f"nobody sent letter {number}"
    for number, fate in ledger.letters.items():
        promised = fate.promised is not None and fate.promised <= at
        refused = fate.refused is not None
        if refused and number in kept and not lenient:
            yield f"letter {number} was refused and is there"
        if fate.appended:
            continue  # an owner's rows are compared whole
        there = Counter(row[0] for row in _once(places.get(number, ())))
        if there and there != Counter(fate.recipients):
            yield f"letter {number} for {fate.recipients} is with {dict(there)}"
        if promised and not there:
            yield f"letter {number}, promised at {fate.promised}, is lost"
        for row in places.get(number, ()):
            if row[4] != format_delivery(SENDER, address(row[0])):
                yield f"letter {number} begins with {row[4]!r}"


def _once(rows: Sequence[Row]) -> Iterator[Row]:
    """Without what INBOX remembers of messages that its renaming has moved (RFC 3501 §6.3.5)."""
    elsewhere = {(row[0], row[3]) for row in rows if row[1] != 1}
    for row in rows:
        remembered = row[1] == 1 and row[5]
        if not remembered or (row[0], row[3]) not in elsewhere:
            yield row


def _told(found: Found, ledger: Ledger, at: int, places: dict[int, list[Row]]) -> Iterator[str]:
    """What a reader has seen is never taken back."""
    modseqs: dict[int, int] = dict(found.rows("SELECT id, modseq FROM account"))
    validities: dict[int, int] = dict(
        found.rows("SELECT account, uid_validity FROM mailbox WHERE id = 1")
    )
    inbox = {
        (row[0], row[2]): number for number, rows in places.items() for row in rows if row[1] == 1
    }
    for told in ledger.told:
        if told.at > at:
            continue
        if told.account not in {row[0] for row in places.get(told.number, ())}:
            yield f"letter {told.number} was seen at {told.at} and is lost"
        if validities.get(told.account) != told.uid_validity:
            yield f"the UIDVALIDITY {told.uid_validity} of INBOX {told.account} has changed"
        if inbox.get((told.account, told.uid), told.number) != told.number:
            yield f"UID {told.uid} of INBOX {told.account} is another letter now"
        if modseqs[told.account] < told.modseq:
            yield f"account {told.account} is at {modseqs[told.account]}, told was {told.modseq}"
    present = {
        (row[0], row[1]) for row in found.rows("SELECT account, uid FROM message WHERE mailbox = 1")
    }
    for when, account, uid in ledger.expunged:
        if when <= at and (account, uid) in present:
            yield f"UID {uid} of INBOX {account} was expunged and is there"


def _owner(found: Found, ledger: Ledger, at: int, account: int, lenient: bool) -> Iterator[str]:
    """The account is as after the last command answered, or the one under way."""
    steps = ledger.steps[account]
    answered = sum(1 for step in steps if step.at <= at)
    dump = found.dump(account)
    allowed = [step.dump for step in steps[max(0, answered - 1) : answered + 1]]
    if dump in allowed or lenient:
        return
    yield f"account {account} is not as after its command {answered}: " + "; ".join(
        difference(allowed[0], dump)
    )


def difference(expected: Dump, dump: Dump) -> Iterator[str]:
    for wanted, rows in zip(expected, dump, strict=True):
        yield f"lost {set(wanted) - set(rows)}, new {set(rows) - set(wanted)}"


def open_found(directory: Path, vfs: str | None = None) -> Found:
    return Found(apsw.Connection(str(directory / FILE), vfs=vfs), directory)
