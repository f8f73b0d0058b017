"""RSET: no message is marked as deleted (RFC 1939 §5)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..reply import ok
from ..session import SUMMARY, Session, no_argument


def rset(session: Session, argument: str) -> Dialogue[None]:
    """Take the marks away."""
    no_argument(argument)
    session.deleted.clear()
    yield from ok(session, SUMMARY, **session.summary())
