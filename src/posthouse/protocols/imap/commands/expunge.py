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
    yield from _expunge(session, None)
    return "expunged"


def uid_expunge(session: Session, reader: Reader) -> Dialogue[str]:
    """uid-expunge = "UID" SP "EXPUNGE" SP sequence-set   (RFC 4315 §4)"""
    reader.space()
    ranges = parse_sequence_set(reader.sequence_set())
    reader.end()
    view = writable(session.selected).view
    named = view.uid_ranges(view.resolve(ranges, by_uid=True))
    if named:
        yield from _expunge(session, named)
    return "expunged"


def _expunge(session: Session, uids: Ranges | None) -> Dialogue[None]:
    selected = writable(session.selected)
    news = yield from decide(Expunge(selected.view.version, uids), News)
    yield from report(selected, news, expunges_allowed=True)


EXPUNGE = Command(expunge, IN_MAILBOX)
