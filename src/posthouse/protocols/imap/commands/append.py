"""APPEND (RFC 3501 §6.3.11), with APPENDUID (RFC 4315 §3)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..appending import appended_uids, read_messages
from ..events import Appended, EndAppend, decide
from ..extension import Command, offers
from ..grammar import Reader
from ..session import Session

MOST_MESSAGES = 100  # in one command (RFC 3502)


def append(session: Session, reader: Reader) -> Dialogue[str]:
    """append = "APPEND" SP mailbox 1*append-message   (RFC 3502)

    All messages are added, or none.
    """
    reader.space()
    mailbox = reader.mailbox()
    most = MOST_MESSAGES if offers(session, "MULTIAPPEND") else 1
    yield from read_messages(session, reader, mailbox, most)
    appended = yield from decide(EndAppend(), Appended)
    if session.selected is not None:
        session.selected.makes(appended.uid_validity, appended.uids)
    return f"{appended_uids(session, appended)}appended"


APPEND = Command(append)
