"""DELE: a message is marked, to be deleted by QUIT (RFC 1939 §5)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..reply import ok
from ..session import Session


def dele(session: Session, argument: str) -> Dialogue[None]:
    """Its number means nothing from here on."""
    number = session.number(argument)
    session.deleted.add(number)
    yield from ok(session, "message {number} deleted", number=number)
