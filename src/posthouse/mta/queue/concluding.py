"""Ending a lease: what came of it, and the letters that follow from it, in one unit of work."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from posthouse.store.contents import insert_content
from posthouse.store.unit import Unit, Work, insert, one_of, run

from .letter import Letter, Recipient
from .outcome import Trouble
from .states import State
from .units import forget_if_settled, insert_recipients, settle


class LeaseLost(Exception):
    """The lease is no longer the caller's own: nothing was done."""


@dataclass(frozen=True, slots=True)
class Move:
    """A leased recipient's way out: to an end, or to be tried again when it is due."""

    number: int
    state: State  # relayed, failed, expanded, delivered; or deferred
    trouble: Trouble | None = None  # of a deferred one
    due: int = 0
    warned: bool = False  # the sender is told now that it is delayed


@dataclass(frozen=True, slots=True)
class Report:
    """A letter of our own about another one."""

    origin: str  # `derived` from what it is about
    letter: Letter
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """The same content once more, for those who stand in a recipient's place."""

    origin: str
    recipients: tuple[Recipient, ...]


def derived(name: str, numbers: Iterable[int], action: str) -> str:
    """The origin of what is made of a letter for some recipients: a second run gives the same."""
    text = f"{name} {action} {' '.join(map(str, sorted(numbers)))}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def name_of(origin: str) -> str:
    """The queue id of a letter that was made of another."""
    return origin[:12].upper()


def conclude(
    message: int,
    lease: str,
    moves: Sequence[Move],
    now: int,
    reports: Sequence[Report] = (),
    copies: Sequence[Copy] = (),
    outgoing: State = State.READY,
) -> Unit[None]:
    """End a lease for these recipients, and send what follows. All of it, or LeaseLost.

    What follows for other sites begins as `outgoing`.
    """

    def unit() -> Work[None]:
        row = yield from one_of("SELECT content FROM queue_message WHERE id = ?1", message)
        if row is None:
            raise LeaseLost
        for move in moves:
            if move.state is State.DEFERRED:
                moved = yield from _put_off(message, lease, move, now)
            else:
                moved = yield from settle(message, move.number, lease)
            if not moved:
                raise LeaseLost
        made = 0
        for copy in copies:
            made += yield from _insert_copy(message, copy, now, outgoing)
        for report in reports:
            yield from insert_report(report, now, outgoing)
        yield from forget_if_settled(message, row[0], made)

    return unit


def insert_report(report: Report, now: int, outgoing: State) -> Work[bool]:
    """Queue a report, unless it is there; a part of the unit that gives cause for it."""
    if (yield from _is_there(report.origin)):
        return False
    content = yield from insert_content(report.letter.content, 1)
    message = yield from insert(
        "INSERT INTO queue_message (name, content, reverse_path, received, source, body, origin)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        name_of(report.origin),
        content,
        report.letter.reverse_path,
        now,
        report.letter.source,
        report.letter.body,
        report.origin,
    )
    yield from insert_recipients(message, report.recipients, now, outgoing=outgoing)
    return True


def _insert_copy(message: int, copy: Copy, now: int, outgoing: State) -> Work[int]:
    """It refers to the content of its letter, came when that came, and is given up with it."""
    if (yield from _is_there(copy.origin)):
        return 0
    row = yield from one_of(
        "INSERT INTO queue_message (name, content, reverse_path, received, source, account, body,"
        " origin) SELECT ?2, content, reverse_path, received, source, account, body, ?3"
        " FROM queue_message WHERE id = ?1 RETURNING id",
        message,
        name_of(copy.origin),
        copy.origin,
    )
    assert row is not None
    yield from insert_recipients(row[0], copy.recipients, now, outgoing=outgoing)
    return 1


def _is_there(origin: str) -> Work[bool]:
    row = yield from one_of(
        "SELECT 1 FROM queue_message WHERE origin <> '' AND origin = ?1", origin
    )
    return row is not None


def _put_off(message: int, lease: str, move: Move, now: int) -> Work[bool]:
    trouble = move.trouble or Trouble("", "")
    changed = yield from run(
        "UPDATE queue_recipient SET state = 'deferred', lease = '', due = ?4, tries = tries + 1,"
        " warned = CASE WHEN ?5 = 1 THEN 1 ELSE warned END, reason = ?6, status = ?7,"
        " remote = ?8, reply = ?9, tried = ?10"
        " WHERE message = ?1 AND number = ?2 AND state = 'leased' AND lease = ?3",
        message,
        move.number,
        lease,
        move.due,
        int(move.warned),
        trouble.reason,
        trouble.status,
        trouble.remote,
        trouble.reply,
        now,
    )
    return changed == 1
