"""LIST: the size of one message or of each (RFC 1939 §5)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..listing import send_listing
from ..session import Session


def list_(session: Session, argument: str) -> Dialogue[None]:
    """Scan listings."""
    yield from send_listing(session, argument, session.maildrop.sizes, session.summary())
