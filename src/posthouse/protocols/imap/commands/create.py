"""CREATE (RFC 3501 §6.3.3)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..events import Create, obey
from ..extension import Command
from ..grammar import Reader
from ..mailbox import INBOX, to_be_created
from ..result import No
from ..session import Session


def create(session: Session, reader: Reader) -> Dialogue[str]:
    """create = "CREATE" SP mailbox"""
    reader.space()
    name = reader.mailbox()
    reader.end()
    name = to_be_created(name)
    if name == INBOX:
        raise No("INBOX is always there", "ALREADYEXISTS")
    yield from obey(Create(name))
    return "created"


CREATE = Command(create)
