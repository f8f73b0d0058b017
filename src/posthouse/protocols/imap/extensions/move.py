"""MOVE: to another mailbox at one stroke (RFC 6851)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..commands.copy import copyuid, from_and_to, meant
from ..events import decide
from ..extension import Command, Extension
from ..grammar import Reader
from ..mail_events import Move, Moved
from ..news import report
from ..session import IN_MAILBOX, Session
from ..view import writable


def move(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """move = "MOVE" SP sequence-set SP mailbox"""
    ranges, mailbox = from_and_to(reader)
    selected = writable(session.selected)
    uids, count = meant(selected, ranges, by_uid)
    if not uids:
        return "no such messages, so nothing moved"
    question = Move(selected.view.version, uids, mailbox, count)
    moved = yield from decide(question, Moved)
    selected.makes(moved.copied.uid_validity, moved.copied.copies)
    if moved.copied.uids:  # §4.3: before the client is told that they are gone
        yield from send(f"* OK [{copyuid(moved.copied)}] moved\r\n".encode("ascii"))
    yield from report(selected, moved.news, expunges_allowed=True)
    if not moved.copied.uids:
        return "nothing moved"
    return f"[HIGHESTMODSEQ {selected.complete}] moved"  # §4.4


def uid_move(session: Session, reader: Reader) -> Dialogue[str]:
    """uid = "UID" SP (copy / fetch / search / store / move)"""
    return (yield from move(session, reader, by_uid=True))


MOVE = Extension(
    rfc=6851,
    capability="MOVE",
    commands={"MOVE": Command(move, IN_MAILBOX, by_number=True)},
    uid_commands={"MOVE": uid_move},
)
