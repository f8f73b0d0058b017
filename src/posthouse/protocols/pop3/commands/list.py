"""LIST: the size of one message or of each (RFC 1939 §5)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..listing import send_listing
from ..session import Session

LISTED = "{messages} messages ({octets} octets)"


def list_(session: Session, argument: str) -> Dialogue[None]:
    """Scan listings."""
    yield from send_listing(session, argument, session.maildrop.sizes, LISTED, **session.summary())
