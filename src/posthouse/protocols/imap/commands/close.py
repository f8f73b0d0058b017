"""CLOSE (RFC 3501 §6.4.2)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..events import obey
from ..extension import Command, Tells
from ..grammar import Reader
from ..mail_events import Close
from ..session import IN_MAILBOX, Session, State


def close(session: Session, reader: Reader) -> Dialogue[str]:
    """close = "CLOSE"; no EXPUNGE is told, and none is done where the mailbox is read-only."""
    reader.end()
    assert session.selected is not None
    question = Close(expunge=not session.selected.read_only)
    session.selected = None
    session.state = State.AUTHENTICATED
    yield from obey(question)
    return "closed"


CLOSE = Command(close, IN_MAILBOX, Tells.NOTHING)
