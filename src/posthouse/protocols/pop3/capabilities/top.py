"""TOP: the beginning of a message (RFC 2449 §6.1, RFC 1939 §7)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..capability import TRANSACTION, Capability
from ..content import Top, send_message
from ..reply import Refused
from ..session import Session, natural


def top(session: Session, argument: str) -> Dialogue[None]:
    """RFC 1939 §7: TOP msg n"""
    message, space, lines = argument.partition(" ")
    if not space:
        raise Refused("expected a message number and a number of lines")
    number = session.number(message)
    yield from send_message(session, number, Top(natural(lines)))


TOP = Capability(tag="TOP", added={"TOP": top}, valid=TRANSACTION, reference="RFC 1939")
