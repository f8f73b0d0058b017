"""The one place that turns what happened to a mailbox into untagged lines (RFC 3501 §7.3, §7.4).

News come as a `News` of the agent: asked for when it has left a notice, or in answer to a question
that changed something. Every number in a line is one that the client knows at that point. Where
the client may not be told of an expunge (§7.4.1), the expunged message stays in the session's
view as a ghost, and all that came after it keeps its number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import chain

from ..dialogue import Dialogue, Failed, TakeNotices, ask, send
from .fetch.item import at_positions, news_of_flags
from .mail_events import News, Refresh
from .sequence import Ranges, format_set, runs
from .session import Session
from .view import Changes, Selected, View

AT_ONCE = 1024  # lines in one block of octets
UIDs = set[int] | frozenset[int]

_TAKE = TakeNotices()


def tell(session: Session, expunges_allowed: bool) -> Dialogue[None]:
    """Tell the client what it may be told now, if there is something and the agent can say it."""
    notices = session.notices and (yield _TAKE)
    selected = session.selected
    if selected is not None and (notices or selected.stale):
        with suppress(Failed):
            yield from _ask(selected, expunges_allowed)
    elif selected is not None and expunges_allowed and selected.ghosts:
        assert selected.latest is not None
        if selected.wanted.messages:
            yield from report(selected, News(selected.latest, (), ()), True)
    if session.watch is not None:
        yield from session.watch.tell(session, bool(notices))


def refresh(session: Session, expunges_allowed: bool) -> Dialogue[None]:
    """The same, and the agent is asked whether it has left a notice or not. Raises Failed."""
    yield _TAKE
    if session.watch is not None:
        session.watch.stale = True  # until it has been asked, if that fails here, later
    if session.selected is not None:
        yield from _ask(session.selected, expunges_allowed)
    if session.watch is not None:
        yield from session.watch.tell(session, True)


def _ask(selected: Selected, expunges_allowed: bool) -> Dialogue[None]:
    selected.stale = True
    if not selected.wanted.messages:  # RFC 5465 §3.1: nothing at all is told
        return
    news = yield from ask(Refresh(selected.view.version), News)
    selected.stale = False
    yield from report(selected, news, expunges_allowed)


def report(
    selected: Selected, news: News, expunges_allowed: bool, silent: UIDs = frozenset()
) -> Dialogue[None]:
    """Tell the client these news; the new flags of the UIDs in `silent` it knows already.

    What it does not want to be told (RFC 5465 §6.1) is kept back: new messages are no part of its
    view, and flags change unsaid.
    """
    told, view = selected.view, news.view
    vanished, changed = news.vanished, news.changed
    if view is told and not (vanished or changed or news.recent) and selected.is_told_all:
        return
    if vanished is None or changed is None:
        vanished, changed = view.since(told)
    last = told.uids[-1] if told.uids else 0
    gone = selected.ghosts.union([uid for uid in vanished if uid <= last])
    if "IMAP4REV2" not in selected.enabled:
        selected.claim(news.recent)
    selected.latest = view
    # What has gone has no flags any more, and those that it had last nobody knows.
    left = [uid for uid in changed if uid not in gone] if gone else changed
    untold = _changed(selected, view, left, last, silent)
    if not selected.wanted.messages:
        selected.stale = True
        view = view.upto(bisect_right(view.uids, last))
    if gone and not expunges_allowed:
        selected.ghosts = gone
        selected.view = _haunted(told, view, changed)
        expunged = 0
    else:
        selected.ghosts = set()
        selected.view = view
        expunged = yield from _expunged(selected, told, gone)
    if selected.wanted.messages and not selected.ghosts and selected.unflagged is None:
        selected.complete = view.version
    if len(selected.view) > len(told) - expunged:
        yield from send(_exists(selected))
        _await_items(selected, last)
    yield from _flags(selected, untold)
    if expunged or selected.ghosts:
        yield from tell_modseq(selected, expunged)


def _changed(
    selected: Selected, view: View, changed: Sequence[int], last: int, silent: UIDs
) -> list[int]:
    """UIDs of which the client has to be told new flags, also of those kept from it till now."""
    known: list[int] = []
    if not silent.issuperset(changed):
        known = [uid for uid in changed if uid <= last and uid not in silent]
    if not selected.wanted.flags:
        if known and selected.unflagged is None:
            selected.unflagged = selected.view.version
        return []
    if selected.unflagged is None:
        return known
    since, selected.unflagged = selected.unflagged, None
    positions = view.changed(since, 0, bisect_right(view.uids, last))
    kept_back = [view.uids[at] for at in positions]
    return sorted({*known, *kept_back})


def _await_items(selected: Selected, last: int) -> None:
    """Of new messages, but not those that the client has made, items are told (RFC 5465 §5.2)."""
    if selected.wanted.items:
        uids = selected.view.uids
        new = [uid for uid in uids[bisect_right(uids, last) :] if uid not in selected.made]
        selected.arrived = [*selected.arrived, *new]
    selected.made = frozenset()


def tell_modseq(selected: Selected, expunged: int = 0) -> Dialogue[None]:
    """What a client may take for the mailbox's mod-sequence, where it cannot see it (RFC 7162 §6).

    As long as an expunge or new flags are kept from it, that is less than mod-sequences it is told.
    """
    kept_back = selected.ghosts or selected.unflagged is not None
    if "CONDSTORE" in selected.enabled and (kept_back or expunged):
        yield from send(highest_modseq(selected))


def highest_modseq(selected: Selected) -> bytes:
    """RFC 7162 §3.1.2.1"""
    return b"* OK [HIGHESTMODSEQ %d] all changes up to it are told\r\n" % selected.complete


def _exists(selected: Selected) -> bytes:
    line = b"* %d EXISTS\r\n" % len(selected.view)
    if "IMAP4REV2" in selected.enabled:  # RFC 9051, appendix E: no RECENT
        return line
    return line + b"* %d RECENT\r\n" % selected.recent_count()


def _expunged(selected: Selected, told: View, gone: Iterable[int]) -> Dialogue[int]:
    """§7.4.1: from the last to the first, so that no line changes the number in a later one."""
    indexes = told.indexes(gone)
    if not selected.enabled.isdisjoint(("QRESYNC", "UIDONLY")):
        yield from send(vanished(runs([told.uids[at] for at in indexes])))
        return len(indexes)
    indexes.reverse()
    for start in range(0, len(indexes), AT_ONCE):
        lines = [b"* %d EXPUNGE\r\n" % (at + 1) for at in indexes[start : start + AT_ONCE]]
        yield from send(b"".join(lines))
    return len(indexes)


def vanished(uids: Ranges, earlier: bool = False) -> bytes:
    """expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids   (RFC 7162 §3.2.10)"""
    start = b"* VANISHED (EARLIER) " if earlier else b"* VANISHED "
    pieces = [uids[at : at + AT_ONCE] for at in range(0, len(uids), AT_ONCE)]
    return b"".join([start + format_set(piece) + b"\r\n" for piece in pieces])


def _flags(selected: Selected, changed: list[int]) -> Dialogue[None]:
    """§7.4.2"""
    positions = selected.view.indexes(changed)
    for octets in at_positions(selected, positions, news_of_flags(selected)):
        yield from send(octets)


def _haunted(told: View, view: View, changed: Iterable[int]) -> View:
    """What was told, with new flags and new messages, and nothing less."""
    last = told.uids[-1] if told.uids else 0
    renewed = [at for at in view.indexes(changed) if view.uids[at] <= last]
    added = range(bisect_right(view.uids, last), len(view))
    messages = [(view.uids[at], view.flags[at], view.modseqs[at]) for at in chain(renewed, added)]
    return told.apply(Changes(view.version, messages))
