"""Units of work of the queue: accept, lease, settle. The moves are those of states.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from posthouse.store.contents import insert_content, refer
from posthouse.store.quota import OverQuota, has_room
from posthouse.store.unit import Unit, Work, insert, one_of, rows_of, run, tell

from .letter import Letter, Recipient
from .sent import NoRoomForCopy, file_sent, may_file_sent
from .states import State

TOPIC = "queue"
NEW, CHANGED = 0, 1  # keys of what is told: a letter has come; others have been moved

# The index `queue_by_due` has a condition, and is used where a statement has it word for word.
_DUE_HERE = """
SELECT 1 FROM queue_recipient
WHERE state IN ('ready', 'leased', 'deferred') AND (account = 0) = 0 AND due <= ?1 LIMIT 1
"""
_EXPIRE_HERE = """
UPDATE queue_recipient SET state = 'ready', lease = ''
WHERE state IN ('ready', 'leased', 'deferred') AND state = ?1 AND (account = 0) = 0 AND due <= ?2
"""
_READY_HERE = """
SELECT message, number, forward_path, r.account, name, content, size, reverse_path
FROM queue_recipient AS r JOIN queue_message AS m ON m.id = message
  JOIN content AS c ON c.id = content
WHERE state IN ('ready', 'leased', 'deferred') AND state = 'ready' AND (r.account = 0) = 0
  AND due <= ?1 ORDER BY due LIMIT ?2
"""


class Written(NamedTuple):
    """A letter that the queue has."""

    message: int
    content: int
    copied: bool = True  # false: its sender had no room for the copy in Sent


def accept(
    name: str,
    letter: Letter,
    recipients: Sequence[Recipient],
    received: int,
    lease: str,
    until: int,
    outgoing: State = State.READY,
) -> Unit[Written]:
    """Write a letter and its recipients.

    When that is durable, the letter is ours. Recipients of this site are leased at once to
    `lease`, the worker that accepts, if it has one; those of others are ready, or held.
    Raises OverQuota when none of its recipients has room for it, NoRoomForCopy.
    """

    def unit() -> Work[Written]:
        yield from require_some_room(recipients, letter.content.size)
        size = letter.content.size
        if letter.needs_copy and not (yield from may_file_sent(letter.account, size)):
            raise NoRoomForCopy
        content = yield from insert_content(letter.content, 1)
        message = yield from insert(
            "INSERT INTO queue_message (name, content, reverse_path, received, source, account,"
            " body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            name,
            content,
            letter.reverse_path,
            received,
            letter.source,
            letter.account,
            letter.body,
        )
        yield from insert_recipients(message, recipients, received, lease, until, outgoing)
        copied = True
        if letter.sent is not None:
            copied = yield from file_sent(letter.account, content, size, letter.sent, received)
        return Written(message, content, copied)

    return unit


def require_some_room(recipients: Sequence[Recipient], octets: int) -> Work[None]:
    """Raises OverQuota when there is no recipient who can have so many octets more.

    While there is one, the letter is taken, and the others hear of it from its delivery.
    """
    if not recipients or not all(each.limited for each in recipients):
        return
    for each in recipients:
        if (yield from has_room(each.account, octets)):
            return
    raise OverQuota


def insert_recipients(
    message: int,
    recipients: Sequence[Recipient],
    due: int,
    lease: str = "",
    until: int = 0,
    outgoing: State = State.READY,
) -> Work[None]:
    """Write the recipients of a letter; who is ready is told of."""
    waiting = False
    for number, recipient in enumerate(recipients):
        leased = bool(lease and recipient.account)
        state = State.LEASED if leased else State.READY if recipient.account else outgoing
        waiting = waiting or state is State.READY
        yield from run(
            "INSERT INTO queue_recipient (message, number, forward_path, original, domain, state,"
            " account, lease, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            message,
            number,
            recipient.forward_path,
            recipient.original,
            recipient.domain,
            state,
            recipient.account,
            lease if leased else "",
            until if leased else due,
        )
    if waiting:
        yield from tell(TOPIC, NEW, message)


@dataclass(frozen=True, slots=True)
class Leased:
    """A recipient that this worker has, with what its letter's row says."""

    message: int
    number: int
    forward_path: str
    account: int
    name: str
    content: int
    size: int
    reverse_path: str


def local_due(now: int) -> Unit[bool]:
    """Is there a recipient of this site that `lease_local` would take?"""

    def unit() -> Work[bool]:
        return (yield from one_of(_DUE_HERE, now)) is not None

    return unit


def lease_local(lease: str, now: int, until: int, most: int) -> Unit[list[Leased]]:
    """Take recipients of this site that are due, those of expired leases among them."""

    def unit() -> Work[list[Leased]]:
        for state in (State.LEASED, State.DEFERRED):
            yield from run(_EXPIRE_HERE, state, now)
        rows = yield from rows_of(_READY_HERE, now, most)
        for row in rows:
            yield from run(
                "UPDATE queue_recipient SET state = 'leased', lease = ?3, due = ?4"
                " WHERE message = ?1 AND number = ?2 AND state = 'ready'",
                row[0],
                row[1],
                lease,
                until,
            )
        return [Leased(*row) for row in rows]

    return unit


def release_expired(now: int, domain: str) -> Work[None]:
    """Make ready what is due for a next hop: the deferred, and those of expired leases."""
    for state in (State.LEASED, State.DEFERRED):
        yield from run(
            "UPDATE queue_recipient SET state = 'ready', lease = '' WHERE account = 0"
            " AND domain = ?1 AND state = ?2 AND due <= ?3",
            domain,
            state,
            now,
        )


def settle(message: int, number: int, lease: str) -> Work[bool]:
    """End a recipient that this worker has; a part of the unit that did what ends it.

    False: the lease is no longer its own, and what the unit was to do must not be done.
    """
    changed = yield from run(
        "DELETE FROM queue_recipient WHERE message = ?1 AND number = ?2 AND state = 'leased'"
        " AND lease = ?3",
        message,
        number,
        lease,
    )
    return changed == 1


def forget_if_settled(message: int, content: int, more_refs: int) -> Work[None]:
    """Remove a letter whose recipients have all ended; the content has `more_refs` new users."""
    row = yield from one_of("SELECT 1 FROM queue_recipient WHERE message = ?1 LIMIT 1", message)
    if row is None:
        yield from run("DELETE FROM queue_message WHERE id = ?1", message)
        more_refs -= 1
    yield from refer(content, more_refs)


def release_leases(beginning: str, living: Sequence[str] = ()) -> Unit[int]:
    """Give back what dead workers had, those whose tokens begin so; "" stands for all.

    Tokens that begin as one of `living` are in use: to give back what a worker is about to relay
    would be to relay it twice.
    """
    used = "".join(
        f" AND substr(lease, 1, {len(each)}) <> ?{number}" for number, each in enumerate(living, 3)
    )

    def unit() -> Work[int]:
        changed = yield from run(
            "UPDATE queue_recipient SET state = 'ready', lease = '', due = 0"  # noqa: S608
            f" WHERE state = 'leased' AND substr(lease, 1, ?2) = ?1{used}",
            beginning,
            len(beginning),
            *living,
        )
        if changed:
            yield from tell(TOPIC, CHANGED, changed)
        return changed

    return unit
