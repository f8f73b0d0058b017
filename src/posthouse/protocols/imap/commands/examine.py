"""EXAMINE (RFC 3501 §6.3.2)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..extension import Command, Tells
from ..grammar import Reader
from ..session import Session
from .select import open_mailbox


def examine(session: Session, reader: Reader) -> Dialogue[str]:
    """examine = "EXAMINE" SP mailbox [select-params]"""
    return open_mailbox(session, reader, read_only=True)


EXAMINE = Command(examine, tells=Tells.NOTHING)
