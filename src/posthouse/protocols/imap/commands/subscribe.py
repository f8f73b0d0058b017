"""SUBSCRIBE (RFC 3501 §6.3.6)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..events import Subscribe, obey
from ..extension import Command
from ..grammar import Reader
from ..mailbox import to_be_created
from ..session import Session


def subscribe(session: Session, reader: Reader) -> Dialogue[str]:
    """subscribe = "SUBSCRIBE" SP mailbox"""
    reader.space()
    name = reader.mailbox()
    reader.end()
    yield from obey(Subscribe(to_be_created(name)))
    return "subscribed"


SUBSCRIBE = Command(subscribe)
