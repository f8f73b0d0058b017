"""UNSELECT: leave a mailbox without expunging (RFC 3691)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..commands.select import leave
from ..extension import Command, Extension, Tells
from ..grammar import Reader
from ..session import IN_MAILBOX, Session


def unselect(session: Session, reader: Reader) -> Dialogue[str]:
    """unselect = "UNSELECT" """
    reader.end()
    yield from leave(session)
    return "unselected"


UNSELECT = Extension(
    rfc=3691,
    capability="UNSELECT",
    commands={"UNSELECT": Command(unselect, IN_MAILBOX, Tells.NOTHING)},
)
