"""UNSUBSCRIBE (RFC 3501 §6.3.7)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..events import Unsubscribe, obey
from ..extension import Command
from ..grammar import Reader
from ..session import Session


def unsubscribe(session: Session, reader: Reader) -> Dialogue[str]:
    """unsubscribe = "UNSUBSCRIBE" SP mailbox"""
    reader.space()
    name = reader.mailbox()
    reader.end()
    yield from obey(Unsubscribe(name.removesuffix("/")))
    return "unsubscribed"


UNSUBSCRIBE = Command(unsubscribe)
