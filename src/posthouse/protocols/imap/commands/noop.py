"""NOOP (RFC 3501 §6.1.2)."""

from __future__ import annotations

from ...dialogue import Dialogue
from .. import news
from ..extension import Command
from ..grammar import Reader
from ..session import ANY, Session


def noop(session: Session, reader: Reader) -> Dialogue[str]:
    """noop = "NOOP"; the client polls, so the agent is asked also where it left no notice."""
    reader.end()
    yield from news.refresh(session, expunges_allowed=True)
    return "nothing done"


NOOP = Command(noop, ANY)
