"""DELETE (RFC 3501 §6.3.4)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..events import Delete, obey
from ..extension import Command
from ..grammar import Reader
from ..mailbox import INBOX
from ..result import No
from ..session import Session


def delete(session: Session, reader: Reader) -> Dialogue[str]:
    """delete = "DELETE" SP mailbox"""
    reader.space()
    name = reader.mailbox()
    reader.end()
    if name == INBOX:
        raise No("INBOX cannot be deleted", "CANNOT")
    yield from obey(Delete(name))
    return "deleted"


DELETE = Command(delete)
