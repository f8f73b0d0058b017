"""The one place that turns what happened to a mailbox into untagged lines (RFC 3501 §7.3, §7.4).

News come as a `News` of the agent: asked for when it has left a notice, or in answer to a question
that changed something. Every number in a line is one that the client knows at that point. Where
the client may not be told of an expunge (§7.4.1), the expunged message stays in the session's
view as a ghost, and all that came after it keeps its number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from contextlib import suppress
from itertools import chain

from ..dialogue import Dialogue, Failed, ask, send, take_notices
from .fetch.item import FLAGS, UID, Slice, render
from .mail_events import News, Refresh
from .session import Session
from .view import Changes, Selected, View

AT_ONCE = 1024  # lines in one block of octets


def tell(session: Session, expunges_allowed: bool) -> Dialogue[None]:
    """Tell the client what it may be told now, if there is something and the agent can say it."""
    notices = yield from take_notices()
    selected = session.selected
    if selected is None:
        return
    if notices or selected.stale:
        with suppress(Failed):
            yield from _ask(selected, expunges_allowed)
    elif expunges_allowed and selected.ghosts:
        assert selected.latest is not None
        yield from report(selected, News(selected.latest, (), ()), True)


def refresh(session: Session, expunges_allowed: bool) -> Dialogue[None]:
    """The same, and the agent is asked whether it has left a notice or not."""
    yield from take_notices()
    if session.selected is not None:
        yield from _ask(session.selected, expunges_allowed)


def _ask(selected: Selected, expunges_allowed: bool) -> Dialogue[None]:
    selected.stale = True
    news = yield from ask(Refresh(selected.view.version), News)
    selected.stale = False
    yield from report(selected, news, expunges_allowed)


def report(
    selected: Selected, news: News, expunges_allowed: bool, silent: Collection[int] = ()
) -> Dialogue[None]:
    """Tell the client these news; the new flags of the UIDs in `silent` it knows already."""
    told, view = selected.view, news.view
    vanished, changed = news.vanished, news.changed
    if vanished is None or changed is None:
        vanished, changed = view.since(told)
    last = told.uids[-1] if told.uids else 0
    gone = selected.ghosts.union([uid for uid in vanished if uid <= last])
    selected.claim(news.recent)
    selected.latest = view
    if gone and not expunges_allowed:
        selected.ghosts = gone
        selected.view = _haunted(told, view, changed)
        expunged = 0
    else:
        selected.ghosts = set()
        selected.view = view
        expunged = yield from _expunged(told, gone)
    if len(selected.view) > len(told) - expunged:
        lines = b"* %d EXISTS\r\n* %d RECENT\r\n"
        yield from send(lines % (len(selected.view), selected.recent_count()))
    yield from _flags(selected, [uid for uid in changed if uid <= last and uid not in silent])


def _expunged(told: View, gone: Iterable[int]) -> Dialogue[int]:
    """§7.4.1: from the last to the first, so that no line changes the number in a later one."""
    indexes = told.indexes(gone)
    indexes.reverse()
    for start in range(0, len(indexes), AT_ONCE):
        lines = [b"* %d EXPUNGE\r\n" % (at + 1) for at in indexes[start : start + AT_ONCE]]
        yield from send(b"".join(lines))
    return len(indexes)


def _flags(selected: Selected, changed: list[int]) -> Dialogue[None]:
    """§7.4.2"""
    positions = selected.view.indexes(changed)
    for start in range(0, len(positions), AT_ONCE):
        part = Slice.at(selected, positions[start : start + AT_ONCE])
        yield from send(render((UID, FLAGS), part))


def _haunted(told: View, view: View, changed: Iterable[int]) -> View:
    """What was told, with new flags and new messages, and nothing less."""
    last = told.uids[-1] if told.uids else 0
    renewed = [at for at in view.indexes(changed) if view.uids[at] <= last]
    added = range(bisect_right(view.uids, last), len(view))
    messages = [(view.uids[at], view.flags[at], view.modseqs[at]) for at in chain(renewed, added)]
    return told.apply(Changes(view.version, messages))
