"""What a client that watches mailboxes is told, unasked (RFC 5465 §5).

News of the selected mailbox are told by `news`; here follow the items of new messages there, and
what the agent has noticed of other mailboxes: LIST, STATUS and METADATA responses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ..dialogue import Dialogue, Failed, ask, send
from . import news, responses
from .commands.status import response as status_response
from .fetch.grammar import sets_seen
from .fetch.item import FLAGS, MODSEQ, UID, Item, from_view, with_uids
from .fetch.rows import needs_of, send_rows
from .listing import attributes
from .listing import response as list_response
from .result import No
from .sequence import runs
from .session import Session, Watching
from .view import NOTHING_WANTED, Selected, Wanted
from .watch_events import Annotated, AskNoticed, Event, Named, Noticed, Overflow

AT_ONCE = 100  # lines in one block of octets

#: What a STATUS response must have for an event (§3.1); HIGHESTMODSEQ is asked of the server by
#: FlagChange, and of each response by a client that knows of mod-sequences (§5.1, §5.2).
_ITEMS = {
    Event.MESSAGE_NEW: ("MESSAGES", "UIDNEXT", "UIDVALIDITY"),
    Event.FLAG_CHANGE: ("UIDVALIDITY", "UNSEEN"),
}


def watch(session: Session, wanted: Wanted, others: bool) -> None:
    """From now on the client is told so much."""
    session.watch = Watching(wanted, others, tell, tell_between)
    if session.selected is not None:
        session.selected.wanted = wanted
        session.selected.arrived, session.selected.made = (), frozenset()


def tell(session: Session, noticed: bool) -> Dialogue[None]:
    """What comes after the news of the selected mailbox."""
    yield from _tell_items(session)
    its = session.watch
    if its is None or not its.others:
        return
    its.stale = its.stale or noticed
    if not its.stale:
        return
    with suppress(Failed):  # it can wait
        given = yield from ask(AskNoticed(), object)
        its.stale = False
        if isinstance(given, Overflow):
            yield from _overflow(session)
            return
        assert isinstance(given, tuple), given
        lines = list(_lines(session, given))
        for start in range(0, len(lines), AT_ONCE):
            yield from send(b"".join(lines[start : start + AT_ONCE]))


def tell_between(session: Session, noticed: bool) -> Dialogue[None]:
    """While no command is in progress: of expunges only with SELECTED (§6.1)."""
    its = session.watch
    assert its is not None
    with suppress(Failed):
        if noticed:
            yield from news.refresh(session, expunges_allowed=its.wanted.at_once)
        else:
            yield from news.tell(session, expunges_allowed=its.wanted.at_once)


def _overflow(session: Session) -> Dialogue[None]:
    """§5.8: as after NOTIFY NONE"""
    watch(session, NOTHING_WANTED, others=False)
    yield from send(
        b"* OK [NOTIFICATIONOVERFLOW] too much has happened; nothing is told any more\r\n"
    )


def _tell_items(session: Session) -> Dialogue[None]:
    """FETCH responses of messages that EXISTS has told of (§5.2)."""
    selected = session.selected
    if selected is None or not selected.arrived:
        return
    arrived, selected.arrived = selected.arrived, ()
    positions = [(first, last + 1) for first, last in runs(selected.view.indexes(arrived))]
    items = _items(selected)
    if not needs_of(items):
        for octets in from_view(selected, positions, items):
            yield from send(octets)
        return
    with suppress(No, Failed):  # a part that cannot be decoded; nobody has asked for it now
        yield from send_rows(selected, positions, items, sets_seen(list(items)))


def _items(selected: Selected) -> tuple[Item, ...]:
    """Those that are wanted, and those that are told with them always (RFC 7162 §3.2.4)."""
    items = selected.wanted.items
    if UID not in items and with_uids(selected) and not selected.by_uid_only:
        items = (UID, *items)
    if FLAGS in items and MODSEQ not in items and "CONDSTORE" in selected.enabled:
        items = (*items, MODSEQ)
    return items


def _lines(session: Session, given: tuple[object, ...]) -> Iterator[bytes]:
    for each in given:
        if isinstance(each, Named):
            yield _named(session, each)
        elif isinstance(each, Annotated):
            its = responses.mailbox(each.name, session.utf8) if each.name else b'""'
            entries = b" ".join([responses.astring(entry.encode()) for entry in each.entries])
            yield responses.untagged(b"METADATA %b %b" % (its, entries))
        elif isinstance(each, Noticed):
            with_modseq = "CONDSTORE" in session.enabled
            if each.flags_alone and not each.unseen and not with_modseq:
                continue  # §5.1: nothing that the client is told has changed
            yield status(session, each, with_modseq)


def status(session: Session, noticed: Noticed, with_modseq: bool) -> bytes:
    """The STATUS response for a mailbox that is not selected."""
    events = [event for event in _ITEMS if event in noticed.wanted]
    items = dict.fromkeys(item for event in events for item in _ITEMS[event])
    if with_modseq:
        items["HIGHESTMODSEQ"] = None
    return status_response(session, noticed.name, noticed.counts, items)


def _named(session: Session, named: Named) -> bytes:
    """§5.4: mbox-list-extended has the name before (oldname-extended-item)."""
    extended = b""
    if named.old_name:
        extended = b' ("OLDNAME" (%b))' % responses.mailbox(named.old_name, session.utf8)
    what = attributes(named.mailbox, named.has_children, tells_subscribed=True)
    return list_response(session, b"LIST", what, named.mailbox.name, extended)
