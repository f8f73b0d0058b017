"""SELECT (RFC 3501 §6.3.1; parameters RFC 4466 §2.1)."""

from __future__ import annotations

from functools import partial

from ...dialogue import Ask, Dialogue, Failed, Send
from .. import responses
from ..events import Opened, Select, decided, obey
from ..extension import Command, SelectParameter, Tells, offers
from ..grammar import SYSTEM_FLAGS, Reader, remembered
from ..mail_events import Close
from ..parameters import parameters
from ..result import No
from ..session import Session, State

_CLOSED = b"* OK [CLOSED] what follows is about another mailbox\r\n"
_SYSTEM = tuple(SYSTEM_FLAGS.values())
RESPONSES = 8  # that are kept of the same mailbox


def select(session: Session, reader: Reader) -> Dialogue[str]:
    """select = "SELECT" SP mailbox [select-params]"""
    return open_mailbox(session, reader, read_only=False)


def open_mailbox(session: Session, reader: Reader, read_only: bool) -> Dialogue[str]:
    """Leave the mailbox that is selected, if one is, and select another one, if it can be."""
    try:
        question = _question(session, reader, read_only)
    except No:  # no mailbox can have this name: the attempt has failed (§6.3.1)
        if session.selected is not None:
            session.ahead = _CLOSED
            yield from leave(session)
        raise
    asked = [each for each in question.parameters.values() if isinstance(each, SelectParameter)]
    for parameter in asked:
        parameter.check(session)
    if session.selected is not None:
        session.selected = None
        session.state = State.AUTHENTICATED
        session.ahead = _CLOSED
    opened = yield Ask(question)
    if type(opened) is not Opened:
        opened = yield from decided(opened, Opened)
    selected = session.selected = opened.selected
    session.state = State.SELECTED
    selected.enabled = session.enabled
    if session.watch is not None:
        selected.wanted = session.watch.wanted
    session.ahead += told(session, opened)
    if asked:
        yield Send(session.ahead)
        session.ahead = b""
    try:
        for parameter in asked:
            yield from parameter.answer(session, opened)
    except Failed:  # after a SELECT that fails no mailbox is selected (§6.3.1)
        yield from leave(session)
        raise
    return "[READ-ONLY] selected" if selected.read_only else "[READ-WRITE] selected"


def _question(session: Session, reader: Reader, read_only: bool) -> Select:
    """SP mailbox [select-params]"""
    if reader.last != b")":  # which is where parameters end
        return _PLAIN[read_only](reader)
    reader.space()
    name = reader.mailbox()
    given = parameters(reader, (each.select_parameters for each in session.extensions))
    reader.end()
    return Select(name, read_only, given)


def _plain(reader: Reader, read_only: bool) -> Select:
    reader.space()
    name = reader.mailbox()
    reader.end()
    return Select(name, read_only)


_PLAIN = {
    read_only: remembered(partial(_plain, read_only=read_only)) for read_only in (False, True)
}


def leave(session: Session) -> Dialogue[None]:
    """The mailbox is no longer selected; nothing is expunged."""
    if session.selected is not None:
        session.selected = None
        session.state = State.AUTHENTICATED
        yield from obey(Close(expunge=False))


def told(session: Session, opened: Opened) -> bytes:
    """The responses, which are the same again where the agent gives the same `told` again."""
    selected = opened.selected
    revision2 = "IMAP4REV2" in selected.enabled
    if revision2:  # RFC 9051, appendix E
        selected.recent.clear()
    has_ids = offers(session, "OBJECTID")
    numbers = not selected.by_uid_only
    count = selected.recent_count()
    key = selected.mailbox, selected.read_only, revision2, has_ids, numbers, count
    octets = opened.told.get(key)
    if octets is None:
        octets = b"".join(map(responses.untagged, _answer(opened, revision2, has_ids)))
        if len(opened.told) < RESPONSES:
            opened.told[key] = octets
    return octets


def _answer(opened: Opened, revision2: bool, has_ids: bool) -> list[bytes]:
    selected = opened.selected
    known = (*_SYSTEM, *opened.keywords)
    permanent = () if selected.read_only else (*known, b"\\*")
    lines = [
        b"FLAGS " + responses.flags(known),
        b"%d EXISTS" % len(selected.view),
        b"OK [PERMANENTFLAGS %b] flags" % responses.flags(permanent),
        b"OK [UIDVALIDITY %d] UIDs valid" % selected.uid_validity,
        b"OK [UIDNEXT %d] next UID" % opened.uid_next,
        b"OK [HIGHESTMODSEQ %d] highest" % selected.view.version,  # RFC 7162 §3.1.2.1
    ]
    if revision2:
        lines.append(b'LIST () "/" ' + responses.mailbox(selected.mailbox, utf8=True))
    else:
        lines.insert(2, b"%d RECENT" % selected.recent_count())
        if opened.first_unseen and not selected.by_uid_only:  # RFC 9586 §3
            lines.insert(3, b"OK [UNSEEN %d] first unseen" % opened.first_unseen)
    if has_ids:  # RFC 8474 §4.2
        lines.append(f"OK [MAILBOXID ({opened.mailbox_id})] its name may change".encode("ascii"))
    return lines


SELECT = Command(select, tells=Tells.NOTHING)
