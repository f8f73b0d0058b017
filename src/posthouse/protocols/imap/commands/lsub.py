"""LSUB (RFC 3501 §6.3.9)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..events import ListMailboxes, Mailbox, decide
from ..extension import Command
from ..grammar import Reader
from ..listing import above, in_order, response, wanted
from ..session import Session


def lsub(session: Session, reader: Reader) -> Dialogue[str]:
    """lsub = "LSUB" SP mailbox SP list-mailbox

    A name above a subscribed one that itself does not match is told with \\Noselect, where a "%"
    matches it.
    """
    reader.space()
    reference = reader.astring()
    reader.space()
    name = reader.list_mailbox()
    reader.end()
    if not name:
        yield from send(b'* LSUB (\\Noselect) "/" ""\r\n')
        return "that is the root"
    patterns = wanted(reader, reference, [name])
    given: tuple[Mailbox, ...] = yield from decide(ListMailboxes(), tuple)
    subscribed = {each.name for each in given if each.subscribed}
    hidden = {name for name in subscribed if not patterns.match(name)}
    has_percent = any("%" in text for text in patterns.texts)
    names = (subscribed - hidden) | (above(hidden) if has_percent else set())
    lines = [
        response(session, b"LSUB", "" if name in subscribed else "\\Noselect", name)
        for name in in_order(filter(patterns.match, names))
    ]
    yield from send(b"".join(lines))
    return "that is all"


LSUB = Command(lsub)
