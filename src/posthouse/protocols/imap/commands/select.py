"""SELECT (RFC 3501 §6.3.1; parameters RFC 4466 §2.1)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from .. import responses
from ..events import Opened, Select, decide, obey
from ..extension import Command, Tells
from ..grammar import SYSTEM_FLAGS, Reader
from ..mail_events import Close
from ..result import Bad
from ..session import Session, State

_SYSTEM = tuple(SYSTEM_FLAGS.values())


def select(session: Session, reader: Reader) -> Dialogue[str]:
    """select = "SELECT" SP mailbox [select-params]"""
    return (yield from open_mailbox(session, reader, read_only=False))


def open_mailbox(session: Session, reader: Reader, read_only: bool) -> Dialogue[str]:
    """Leave the mailbox that is selected, if one is, and select another one, if it can be."""
    reader.space()
    name = reader.mailbox()
    parameters = select_parameters(session, reader)
    reader.end()
    yield from leave(session)
    opened = yield from decide(Select(name, read_only, parameters), Opened)
    session.selected = opened.selected
    session.state = State.SELECTED
    yield from send(_answer(opened))
    return "[READ-ONLY] selected" if opened.selected.read_only else "[READ-WRITE] selected"


def select_parameters(session: Session, reader: Reader) -> dict[str, object]:
    """select-params = SP "(" select-param *(SP select-param) ")" """
    parameters: dict[str, object] = {}
    if reader.ended:
        return parameters
    reader.space()
    known = {k: parse for e in session.extensions for k, parse in e.select_parameters.items()}

    def parameter() -> None:
        name = reader.atom().upper()
        if name not in known or name in parameters:
            raise Bad("no such parameter")
        parameters[name] = known[name](reader)

    reader.list(parameter)
    return parameters


def leave(session: Session) -> Dialogue[None]:
    """The mailbox is no longer selected; nothing is expunged."""
    if session.selected is not None:
        session.selected = None
        session.state = State.AUTHENTICATED
        yield from obey(Close(expunge=False))


def _answer(opened: Opened) -> bytes:
    selected = opened.selected
    known = (*_SYSTEM, *opened.keywords)
    permanent = () if selected.read_only else (*known, b"\\*")
    lines = [
        b"FLAGS " + responses.flags(known),
        b"%d EXISTS" % len(selected.view),
        b"%d RECENT" % selected.recent_count(),
        b"OK [PERMANENTFLAGS %b] flags" % responses.flags(permanent),
        b"OK [UIDVALIDITY %d] UIDs valid" % selected.uid_validity,
        b"OK [UIDNEXT %d] next UID" % opened.uid_next,
    ]
    if opened.first_unseen:
        lines.insert(3, b"OK [UNSEEN %d] first unseen" % opened.first_unseen)
    return b"".join(map(responses.untagged, lines))


SELECT = Command(select, tells=Tells.NOTHING)
