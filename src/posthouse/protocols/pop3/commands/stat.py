"""STAT: the drop listing (RFC 1939 §5)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..reply import fact
from ..session import Session, no_argument


def stat(session: Session, argument: str) -> Dialogue[None]:
    """The messages that are not marked as deleted, and their octets."""
    no_argument(argument)
    messages, octets = session.totals()
    yield from fact(f"{messages} {octets}")
