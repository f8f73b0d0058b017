"""UIDL: the unique-id of one message or of each (RFC 2449 §6.8, RFC 1939 §7)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..capability import TRANSACTION, Capability
from ..listing import send_listing
from ..session import Session


def uidl(session: Session, argument: str) -> Dialogue[None]:
    """RFC 1939 §7: UIDL [msg]"""
    ids = session.maildrop.unique_ids
    yield from send_listing(session, argument, ids, "unique-id listing follows")


UIDL = Capability(tag="UIDL", added={"UIDL": uidl}, valid=TRANSACTION, reference="RFC 1939")
