"""Mailbox views that the sessions of a process share, kept up to date from the change feed.

A view is loaded once, when the first session selects its mailbox, and from then on only what has
changed is read; while the edition of the account (edition.py) is the one at which was looked last,
nothing has. What was done to a view is remembered for a while, so that a session that was told an
older version is told the difference without comparing the two.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from posthouse.protocols.imap.mail_events import News
from posthouse.protocols.imap.view import Changes, Kept, View

from .changes import all_messages, changes_since, modseq_of
from .edition import ACCOUNTS
from .mailboxes import Mailbox
from .messages.store import FlagsAt, Stored
from .ranges import uids_in
from .store import Store

REMEMBERED = 256  # steps from one version to the next
REMEMBERED_UIDS = 200_000  # in all of a mailbox's steps
RESTING = 500_000  # messages in views that no session has
AT_ONCE = 64  # sessions that are told of a change before others have the loop
REMINDED = 50  # accounts looked at before others have the loop
REST_COST = 100  # what a view costs beside, in messages
MESSAGE = 20  # octets, about, that one costs in a view
KEYWORDS = 50  # of a mailbox, that SELECT names


@dataclass(frozen=True, slots=True)
class Step:
    """What led from one version of a view to the next."""

    before: int
    vanished: Sequence[int]
    changed: Sequence[int]  # ascending


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """A view as SELECT tells of it."""

    view: View
    mailbox: Mailbox
    newest: int  # the last UID that was given
    first_unseen: int  # a sequence number; 0 if all are \Seen
    keywords: tuple[bytes, ...]
    told: dict[object, bytes] = field(default_factory=dict)  # responses that were made of it


@dataclass(slots=True)
class SharedView:
    """The view of one mailbox, for all sessions that have it selected."""

    account: int
    mailbox: int
    view: View
    sessions: int = 0
    steps: list[Step] = field(default_factory=list)
    remembered: int = 0
    may_have_recent: bool = False  # there are messages that no session here has claimed
    edition: int = -1  # of the account, when the database was looked at last
    rest_cost: int = 0  # while it rests, in messages
    _nothing_new: News | None = None  # since the view that there is
    _described: Described | None = None

    def described(self, mailbox: Mailbox) -> Described:
        """What SELECT tells of it; `mailbox` is its row."""
        before, view = self._described, self.view
        if before is not None and before.view is view and before.mailbox is mailbox:
            return before
        keywords = sorted(flag for flag in view.flags_in_use() if not flag.startswith(b"\\"))
        unseen = view.first_without(b"\\Seen")
        # A message may have come between a look at the one and at the other.
        newest = max(mailbox.uid_next - 1, view.uids[-1] if view.uids else 0)
        self._described = Described(view, mailbox, newest, unseen, tuple(keywords[:KEYWORDS]))
        return self._described

    def advance(self, changes: Changes) -> None:
        """Take what has happened since the version of the view."""
        step = Step(
            self.view.version,
            tuple(changes.expunged),
            tuple([message[0] for message in changes.messages]),
        )
        last = self.view.uids[-1] if self.view.uids else 0
        self.replace(self.view.apply(changes))
        if self.view.uids and self.view.uids[-1] > last:
            self.may_have_recent = True
        self._remember(step)

    def replace(self, view: View) -> None:
        """Have another view, and keep nothing for the one that there was."""
        before, self.view = self.view, view
        before.leave_to(view)

    def known_flags(self) -> FlagsAt:
        view = self.view
        return FlagsAt(
            view.version,
            lambda first, last: {text.decode() for text in view.flags_between(first, last)},
        )

    def flagged(self, stored: Stored) -> None:
        """Take what a STORE has done, where nothing was done between the view and it.

        What became of each message then follows from the view, and no row is read.
        """
        before = self.view
        if before.version != stored.before or stored.modified or not stored.changed:
            return
        outcomes = [
            (each.first, each.last, {k.encode(): v.encode() for k, v in each.outcomes.items()})
            for each in stored.changed
        ]
        self.view, changed = before.flagged(stored.modseq, outcomes)
        self._remember(Step(before.version, (), changed))

    def _remember(self, step: Step) -> None:
        self.steps.append(step)
        self.remembered += len(step.vanished) + len(step.changed)
        while self.steps and (len(self.steps) > REMEMBERED or self.remembered > REMEMBERED_UIDS):
            oldest = self.steps.pop(0)
            self.remembered -= len(oldest.vanished) + len(oldest.changed)

    def rest(self) -> int:
        """No session has it: keep what the next one needs, and no more; gives what that costs.

        Who comes back is told of the view that there is then: older ones are of no use.
        """
        self.steps.clear()
        self.remembered = 0
        self._nothing_new = None
        if self._described is not None and self._described.view is not self.view:
            self._described = None
        blocks = sum(map(len, self.view.blocks.values()))
        self.rest_cost = len(self.view) + REST_COST + blocks // MESSAGE
        return self.rest_cost

    def since(self, version: int) -> News:
        """The difference to a version that a session was told."""
        view = self.view
        if version == view.version:
            if self._nothing_new is None or self._nothing_new.view is not view:
                self._nothing_new = News(view, (), ())
            return self._nothing_new
        if self.steps and self.steps[-1].before == version:
            newest = self.steps[-1]
            return News(view, newest.vanished, newest.changed)
        vanished: list[int] = []
        changed: set[int] = set()
        for step in reversed(self.steps):
            vanished += step.vanished
            changed.update(step.changed)
            if step.before == version:
                return News(view, vanished, sorted(changed))
        return News(view, None, None)


class MailboxViews:
    """All shared views of a process, and who wants to hear of changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._heard: dict[int, int] = {}  # by account that has listeners, the latest it was at
        self._shared: dict[tuple[int, int], SharedView] = {}
        self._resting: OrderedDict[tuple[int, int], SharedView] = OrderedDict()
        self.resting = 0  # messages in them, and what they cost beside
        self._kept = Kept()
        self._listeners: dict[int, dict[object, Callable[[], None]]] = {}
        store.listen(ACCOUNTS, self._changed)

    def open_at_once(self, account: int, mailbox: int) -> SharedView | None:
        """The view of a mailbox as it is now, where what is here needs only what has changed."""
        shared = self._known((account, mailbox))
        if shared is None:
            return None
        shared.sessions += 1
        fresh = False
        try:
            fresh = self.refresh_at_once(shared)
        finally:
            if not fresh:
                self.close(shared)
        return shared if fresh else None

    async def open(self, account: int, mailbox: int) -> SharedView | None:
        """The view of a mailbox as it is now; None if there is no such mailbox."""
        key = account, mailbox
        shared = self._known(key)
        if shared is None:
            loaded = await self._store.read_long(lambda: all_messages(account, mailbox))
            if loaded is None:
                return None
            version, messages = loaded
            shared = self._known(key)  # another session may have loaded it meanwhile
            if shared is None:
                view = View.of(version, messages, self._kept)
                shared = self._shared[key] = SharedView(account, mailbox, view)
        shared.sessions += 1
        try:
            await self.refresh(shared)
        except BaseException:
            self.close(shared)
            raise
        return shared

    def close(self, shared: SharedView) -> None:
        """A session has left it. A view without sessions rests a while, in case one comes back."""
        shared.sessions -= 1
        if shared.sessions:
            return
        key = shared.account, shared.mailbox
        self._shared.pop(key, None)
        self._resting[key] = shared
        self.resting += shared.rest()
        while self.resting > RESTING:
            _, oldest = self._resting.popitem(last=False)
            self.resting -= oldest.rest_cost
            oldest.view.leave_to()

    def _known(self, key: tuple[int, int]) -> SharedView | None:
        """One that sessions have, or one that rests and has no rest any more."""
        if key in self._shared:
            return self._shared[key]
        shared = self._resting.pop(key, None)
        if shared is not None:
            self.resting -= shared.rest_cost
            self._shared[key] = shared
        return shared

    async def refresh(self, shared: SharedView) -> None:
        """Bring a view up to date with what is committed."""
        if not self.refresh_at_once(shared):
            await self._load_anew(shared)

    def refresh_at_once(self, shared: SharedView) -> bool:
        """The same; false if all has to be loaded anew, which takes long."""
        edition = self._store.edition_of(shared.account)
        if edition == shared.edition:
            return True
        version = shared.view.version
        since = self._store.read(lambda: changes_since(shared.account, shared.mailbox, version))
        if since is None:
            return False
        if since.version > version:
            shared.advance(Changes(since.version, since.messages, uids_in(since.expunged)))
        shared.edition = -1 if edition & 1 else edition
        return True

    async def _load_anew(self, shared: SharedView) -> None:
        store = self._store
        loaded = await store.read_long(lambda: all_messages(shared.account, shared.mailbox))
        if loaded is None:  # it was deleted: nothing is in it any more (RFC 2180 §3.3)
            if len(shared.view):
                shared.advance(Changes(shared.view.version + 1, (), list(shared.view.uids)))
            return
        if loaded[0] <= shared.view.version:
            return
        shared.steps.clear()
        shared.remembered = 0
        shared.replace(View.of(*loaded, self._kept))
        shared.may_have_recent = True

    # Who hears of changes

    def listen(self, account: int, who: object, listener: Callable[[], None]) -> None:
        """Have `listener` called when something of an account has changed."""
        self._listeners.setdefault(account, {})[who] = listener

    def ignore(self, account: int, who: object) -> None:
        listeners = self._listeners.get(account, {})
        listeners.pop(who, None)
        if not listeners:
            self._listeners.pop(account, None)
            self._heard.pop(account, None)

    def _changed(self, account: int, modseq: int) -> None:
        if account in self._listeners:
            self._heard[account] = modseq
        listeners = self._listeners.get(account)
        if listeners:
            self._tell(tuple(listeners.values()), 0)

    def _tell(self, listeners: Sequence[Callable[[], None]], first: int) -> None:
        """Tell some of them, and have the loop come back for the rest."""
        for listener in listeners[first : first + AT_ONCE]:
            listener()
        if first + AT_ONCE < len(listeners):
            asyncio.get_running_loop().call_soon(self._tell, listeners, first + AT_ONCE)

    async def remind(self) -> None:
        """Tell of what was not heard of, since notifications may be lost; a few at a time."""
        for number, account in enumerate(tuple(self._listeners)):
            modseq = self._store.read(modseq_of(account))
            if modseq != self._heard.get(account):
                self._changed(account, modseq)
            if not number % REMINDED:
                await asyncio.sleep(0)
