"""CHECK (RFC 3501 §6.4.1): what was answered is durable already, so that it does as NOOP does."""

from __future__ import annotations

from ...dialogue import Dialogue
from .. import news
from ..extension import Command
from ..grammar import Reader
from ..session import IN_MAILBOX, Session


def check(session: Session, reader: Reader) -> Dialogue[str]:
    """check = "CHECK" """
    reader.end()
    yield from news.refresh(session, expunges_allowed=True)
    return "checked"


CHECK = Command(check, IN_MAILBOX)
