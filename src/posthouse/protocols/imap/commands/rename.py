"""RENAME (RFC 3501 §6.3.5)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..events import Rename, obey
from ..extension import Command
from ..grammar import Reader
from ..mailbox import INBOX, SEPARATOR, to_be_created
from ..result import No
from ..session import Session


def rename(session: Session, reader: Reader) -> Dialogue[str]:
    """rename = "RENAME" SP mailbox SP mailbox"""
    reader.space()
    name = reader.mailbox()
    reader.space()
    to = reader.mailbox()
    reader.end()
    to = to_be_created(to)
    if to in (INBOX, name):
        raise No("there is a mailbox of that name", "ALREADYEXISTS")
    if name != INBOX and to.startswith(name + SEPARATOR):
        raise No("a mailbox cannot be below itself", "CANNOT")
    yield from obey(Rename(name, to))
    selected = session.selected
    if selected is not None and name != INBOX:
        if selected.mailbox == name:
            selected.mailbox = to
        elif selected.mailbox.startswith(name + SEPARATOR):
            selected.mailbox = to + selected.mailbox[len(name) :]
    return "renamed"


RENAME = Command(rename)
