"""RETR: a message (RFC 1939 §5)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..content import send_message
from ..session import Session


def retr(session: Session, argument: str) -> Dialogue[None]:
    """The whole of it."""
    yield from send_message(session, session.number(argument))
