"""CREATE (RFC 3501 §6.3.3; parameters RFC 4466 §2.2)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..events import Create, Created, decide
from ..extension import Command, offers
from ..grammar import Reader
from ..mailbox import INBOX, to_be_created
from ..parameters import parameters
from ..result import No
from ..session import Session


def create(session: Session, reader: Reader) -> Dialogue[str]:
    """create = "CREATE" SP mailbox [create-params]"""
    reader.space()
    name = reader.mailbox()
    given = parameters(reader, [each.create_parameters for each in session.extensions])
    reader.end()
    name = to_be_created(name)
    if name == INBOX:
        raise No("INBOX is always there", "ALREADYEXISTS")
    created = yield from decide(Create(name, str(given.get("USE", ""))), Created)
    if offers(session, "OBJECTID"):  # RFC 8474 §4.1
        return f"[MAILBOXID ({created.mailbox_id})] created"
    return "created"


CREATE = Command(create)
