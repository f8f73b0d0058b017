"""EXPUNGE (RFC 3501 §6.4.3) and, for UIDPLUS, its form for some UIDs (RFC 4315 §2.1)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..events import decide
from ..extension import Command
from ..grammar import Reader
from ..mail_events import Expunge, News
from ..news import report
from ..sequence import Ranges, parse_sequence_set
from ..session import IN_MAILBOX, Session
from ..view import writable


def expunge(session: Session, reader: Reader) -> Dialogue[str]:
    """expunge = "EXPUNGE" """
    reader.end()
    return (yield from _expunge(session, None))


def uid_expunge(session: Session, reader: Reader) -> Dialogue[str]:
    """uid-expunge = "UID" SP "EXPUNGE" SP sequence-set   (RFC 4315 §4)"""
    reader.space()
    ranges = parse_sequence_set(reader.sequence_set())
    reader.end()
    selected = writable(session.selected)
    named = selected.view.uid_ranges(selected.resolve(ranges, by_uid=True))
    if not named:
        return "expunged"
    return (yield from _expunge(session, named))


def _expunge(session: Session, uids: Ranges | None) -> Dialogue[str]:
    selected = writable(session.selected)
    news = yield from decide(Expunge(selected.view.version, uids), News)
    yield from report(selected, news, expunges_allowed=True)
    if "QRESYNC" in selected.enabled:  # RFC 7162 §3.2.7
        return f"[HIGHESTMODSEQ {selected.complete}] expunged"
    return "expunged"


EXPUNGE = Command(expunge, IN_MAILBOX)
