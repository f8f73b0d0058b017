"""LOGOUT (RFC 3501 §6.1.3)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..extension import Command, Tells
from ..grammar import Reader
from ..responses import untagged
from ..session import ANY, Session, State


def logout(session: Session, reader: Reader) -> Dialogue[str]:
    """logout = "LOGOUT"; the BYE comes before the OK."""
    reader.end()
    yield from send(untagged(b"BYE until next time"))
    session.state = State.LOGOUT
    return "logged out"


LOGOUT = Command(logout, ANY, Tells.NOTHING)
