"""The agent that answers IMAP engines from the mailboxes of the account that has logged in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, cast

from posthouse.protocols.engine import Engine
from posthouse.protocols.erring import Erred
from posthouse.protocols.imap import events, mail_events
from posthouse.protocols.imap.extensions import ALL
from posthouse.protocols.imap.mail_events import Copied, Declined, Mode, News
from posthouse.protocols.imap.sequence import Ranges
from posthouse.protocols.imap.server import serve
from posthouse.protocols.imap.session import Limits, Session
from posthouse.protocols.imap.view import Selected
from posthouse.runtime.patience import Patience
from posthouse.runtime.service import Log, Notify, Peer

from .. import flags as flag_text
from ..blobs.files import BlobFiles
from ..changes import expunged_since
from ..database import StoreUnavailable
from ..known import Known
from ..mailboxes import Mailbox, claim_recent
from ..messages.copy import Copies, copy_messages, move_messages
from ..messages.expunge import expunge_messages
from ..messages.refusals import MailboxFull, NoSuchMailbox, SomeExpunged
from ..messages.store import store_flags
from ..quota import OverQuota
from ..search.searching import Searching
from ..snapshots import Snapshots
from ..space import Lack, Space
from ..store import Store
from ..unit import Unit
from ..views import Described, MailboxViews, SharedView
from .appending import AppendAnswers
from .login import QUESTIONS, Authenticator, Door
from .mailboxes import MailboxAnswers, mailbox_id
from .own import OwnWrites
from .reading import ReadAnswers
from .refusals import LACKS, NO_MAILBOX, REFUSALS, TRY_CREATE, done
from .searching import SearchAnswers
from .unfinished import LongWork
from .watching import WatchAnswers

NEWS = "news"  # the notice: something of the account has changed
MANY = 1_000  # messages from which a unit of work is not run on the loop
#: Questions whose work may take long, of many messages or of whole mailboxes
LONG = frozenset(
    (
        mail_events.Store,
        mail_events.Expunge,
        mail_events.Copy,
        mail_events.Move,
        events.Delete,
        events.Rename,
    )
)

CHANGES: Mapping[Mode, Callable[[str, tuple[str, ...]], str]] = {
    Mode.REPLACE: flag_text.replaced,
    Mode.ADD: flag_text.added,
    Mode.REMOVE: flag_text.removed,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What IMAP needs of the settings."""

    hostname: str
    plaintext_on_loopback: bool = True
    normalise_newlines: bool = False
    limits: Limits = field(default_factory=Limits)


class Imap:
    """The service: an engine and an agent for each connection."""

    def __init__(
        self,
        store: Store,
        views: MailboxViews,
        blobs: BlobFiles,
        authenticator: Authenticator,
        settings: Settings,
        now: Callable[[], float],
        log: Log,
        tls_available: bool,
        searching: Searching | None = None,
        patience: Patience | None = None,
        space: Space | None = None,
    ) -> None:
        self.store = store
        self.views = views
        self.snapshots = Snapshots(store)
        self.known = Known(store)
        self.blobs = blobs
        self.authenticator = authenticator
        self.settings = settings
        self.now = now
        self.log = log
        self.tls_available = tls_available
        self.searching = searching
        self.patience = patience
        self.space = space

    def begin(self, peer: Peer, notify: Notify) -> tuple[Engine, ImapAgent]:
        """A connection has come."""
        session = Session(
            hostname=self.settings.hostname,
            extensions=ALL,
            limits=self.settings.limits,
            mechanisms=self.authenticator.offers("imap"),
            secure=peer.tls is not None,
            tls=peer.tls,
            tls_available=self.tls_available and peer.tls is None,
            plaintext_allowed=self.settings.plaintext_on_loopback and peer.is_loopback,
            pauses=self.patience is not None,
        )
        return serve(session), ImapAgent(self, peer, notify, session)


class ImapAgent:
    """One connection."""

    def __init__(self, service: Imap, peer: Peer, notify: Notify, session: Session) -> None:
        self._service = service
        self._store = service.store
        self._peer = peer
        self._notify = notify
        self._session = session
        self._door = Door(service.authenticator, "imap", "imap", peer.address, service.log, notify)
        self._shared: SharedView | None = None
        self._claims = False  # this session may take \Recent
        self._watching: WatchAnswers | None = None
        self._long: LongWork | None = None

    # Most connections idle: what a question needs is made when it is asked for the first time.

    @cached_property
    def _reading(self) -> ReadAnswers:
        service = self._service
        return ReadAnswers(
            service.store, service.blobs, lambda: (self._account, self._mailbox.mailbox)
        )

    @cached_property
    def _own(self) -> OwnWrites:
        return OwnWrites(self._store, lambda: self._account)

    @cached_property
    def _appending(self) -> AppendAnswers:
        service = self._service
        return AppendAnswers(
            service.store,
            self._own,
            service.blobs,
            service.settings.normalise_newlines,
            service.now,
            lambda: self._account,
            lambda: self._mailbox.mailbox,
            self._news,
            self._lack,
        )

    @cached_property
    def _mailboxes(self) -> MailboxAnswers:
        service = self._service
        return MailboxAnswers(
            service.store,
            service.known,
            self._own,
            lambda: self._account,
            service.now,
            self._subscribed,
        )

    @cached_property
    def _searching(self) -> SearchAnswers:
        return SearchAnswers(
            self._store,
            self._service.searching,
            lambda: (self._account, self._mailbox.mailbox),
        )

    @property
    def _watcher(self) -> WatchAnswers:
        if self._watching is None:
            self._watching = WatchAnswers(
                self._store,
                self._service.snapshots,
                self._own,
                lambda: self._account,
                lambda: self._shared.mailbox if self._shared is not None else 0,
                self._listen,
            )
        return self._watching

    @property
    def _long_work(self) -> LongWork:
        if self._long is None:
            self._long = LongWork()
        return self._long

    @property
    def _watches(self) -> bool:
        return self._watching is not None and self._watching.active

    def _subscribed(self, name: str) -> None:
        if self._watching is not None:
            self._watching.subscribed(name)

    def ask(self, question: object) -> object:
        """The answer, or an awaitable of it."""
        self._door.require_in()
        part, by, long = ANSWERS[type(question)]
        answer = by(getattr(self, part) if part else self, question)
        if long and self._may_take_long(question):
            return self._long_work.of(cast("Awaitable[object]", answer))
        return answer

    def _may_take_long(self, question: object) -> bool:
        if isinstance(question, events.Delete | events.Rename):
            return True
        return self._are_many(cast("mail_events.Store", question).uids)

    def show(self, event: object) -> None:
        if isinstance(event, events.AppendContent):
            self._appending.content(event.octets)
        elif isinstance(event, events.AbandonAppend):
            self._appending.abandon()
        elif isinstance(event, events.LoggedOut):
            self._log_out()
        elif isinstance(event, events.Identified):
            self._service.log.debug("client", peer=self._peer.address, fields=dict(event.fields))

    @property
    def held(self) -> int:
        """Octets of messages and literals on their way in that are in memory."""
        appended = self._appending.held if "_appending" in vars(self) else 0
        return self._session.gathered + appended

    def closed(self) -> None:
        """The connection has gone."""
        self._log_out()

    def _log_out(self) -> None:
        if self._long is not None:
            self._long.end()
        if "_appending" in vars(self):
            self._appending.abandon()
        self._leave()
        if self._watching is not None and self._watching.active:
            self._watching.forget()
        if self._door.login is not None:
            self._service.views.ignore(self._door.login.account, self)
            self._door.leave()

    @property
    def _account(self) -> int:
        assert self._door.login is not None, "nobody has logged in"
        return self._door.login.account

    @property
    def _now(self) -> int:
        return int(self._service.now())

    def _find(self, name: str) -> Mailbox | None:
        return self._service.known.mailbox(self._account, name)

    # The selected mailbox

    def _select(self, question: events.Select) -> object:
        """At once, if it can be: most mailboxes are selected again and again."""
        found = self._find(question.name)
        shared = self._shared
        if (
            found is not None
            and shared is not None
            and shared.mailbox == found.id
            and self._service.views.refresh_at_once(shared)
        ):
            return self._open(question, found, shared)
        self._leave()
        if found is None:
            return NO_MAILBOX
        shared = self._service.views.open_at_once(self._account, found.id)
        if shared is None:
            return self._load(question, found)
        self._enter(shared)
        return self._open(question, found, shared)

    async def _load(self, question: events.Select, found: Mailbox) -> events.Opened | Declined:
        shared = await self._service.views.open(self._account, found.id)
        if shared is None:
            return NO_MAILBOX
        self._enter(shared)
        opened = self._open(question, found, shared)
        return opened if isinstance(opened, events.Opened) else await opened

    def _enter(self, shared: SharedView) -> None:
        self._shared = shared
        self._listen(True)

    def _open(
        self, question: events.Select, found: Mailbox, shared: SharedView
    ) -> events.Opened | Awaitable[events.Opened]:
        self._claims = not question.read_only
        about = shared.described(found)
        opened = opened_of(question, about, mailbox_id(self._account, found.id))
        if found.recent_from > about.newest:
            return opened
        if self._claims:
            return self._with_claim(opened, found)
        opened.selected.recent.append((found.recent_from, about.newest))  # EXAMINE takes nothing
        return opened

    async def _with_claim(self, opened: events.Opened, found: Mailbox) -> events.Opened:
        opened.selected.recent += await self._claim(self._account, found.id)
        return opened

    async def _claim(self, account: int, mailbox: int) -> list[tuple[int, int]]:
        try:
            claimed = await self._store.write(claim_recent(account, mailbox))
        except StoreUnavailable:  # one can read all the same
            return []
        return [claimed] if claimed is not None else []

    def _close(self, question: mail_events.Close) -> object:
        shared = self._shared
        self._leave()
        if shared is None or not question.expunge:
            return None
        return done(
            self._own.write(
                expunge_messages(self._account, shared.mailbox, None, self._now),
                long=len(shared.view) > MANY,
            )
        )

    def _leave(self) -> None:
        if self._shared is not None:
            self._service.views.close(self._shared)
            self._shared = None
            self._listen(self._watches)

    def _listen(self, wanted: bool) -> None:
        """Hear of changes of the account, or no more, if no mailbox is selected."""
        if wanted or self._shared is not None:
            self._service.views.listen(self._account, self, self._something_changed)
        else:
            self._service.views.ignore(self._account, self)

    def _something_changed(self) -> None:
        self._notify(NEWS)

    @property
    def _mailbox(self) -> SharedView:
        assert self._shared is not None, "no mailbox is selected"
        return self._shared

    def _refresh(self, question: mail_events.Refresh) -> object:
        """At once, if it can be: a thousand sessions may be told of one message."""
        shared = self._mailbox
        if not self._service.views.refresh_at_once(shared):
            return self._news(question.version)
        news = shared.since(question.version)
        if self._claims and shared.may_have_recent:
            return self._with_recent(shared, news, question.version)
        return news

    async def _news(self, version: int) -> News:
        shared = self._mailbox
        await self._service.views.refresh(shared)
        return await self._with_recent(shared, shared.since(version), version)

    async def _with_recent(self, shared: SharedView, news: News, version: int) -> News:
        if not self._claims or shared.view.version == version:
            return news
        recent = await self._newly_recent(shared)
        return News(news.view, news.vanished, news.changed, recent) if recent else news

    async def _newly_recent(self, shared: SharedView) -> list[tuple[int, int]]:
        if not shared.may_have_recent:
            return []
        shared.may_have_recent = False  # the first session of a process to be told takes them
        return await self._claim(shared.account, shared.mailbox)

    # Messages

    def _are_many(self, ranges: Ranges | None) -> bool:
        """Whether a unit of work on these messages may take long."""
        present = len(self._mailbox.view)
        if ranges is None or present <= MANY:
            return present > MANY
        return sum(min(last - first + 1, present) for first, last in ranges) > MANY

    async def _store_flags(self, question: mail_events.Store) -> News | Declined:
        try:
            given = tuple([flag.decode("ascii") for flag in question.flags])
            stored = await self._own.write(
                store_flags(
                    self._account,
                    self._mailbox.mailbox,
                    question.uids,
                    CHANGES[question.mode],
                    given,
                    question.unchanged_since,
                    self._mailbox.known_flags(),
                ),
                long=self._are_many(question.uids),
            )
        except tuple(REFUSALS) as refusal:
            return REFUSALS[type(refusal)]
        if question.unchanged_since is None:
            self._mailbox.flagged(stored)
        news = await self._news(question.version)
        return replace(news, modified=stored.modified) if stored.modified else news

    def _vanished(self, question: mail_events.Vanished) -> object:
        shared, since, until = self._mailbox, question.since, question.until
        unit = expunged_since(shared.account, shared.mailbox, since, until)
        return self._store.read_long(unit) if until - since > MANY else self._store.read(unit)

    async def _expunge(self, question: mail_events.Expunge) -> News | Declined:
        await self._own.write(
            expunge_messages(self._account, self._mailbox.mailbox, question.uids, self._now),
            long=self._are_many(question.uids),
        )
        return await self._news(question.version)

    async def _copy(self, question: mail_events.Copy) -> Copied | Declined:
        unit = copy_messages(
            self._account,
            self._mailbox.mailbox,
            question.uids,
            question.mailbox,
            question.count,
            self._now,
        )
        return await self._copied(unit, question.uids)

    def _lack(self) -> Lack | None:
        space = self._service.space
        return None if space is None else space.lack()

    async def _copied(self, unit: Unit[Copies], uids: Ranges) -> Copied | Declined:
        if lack := self._lack():
            return LACKS[lack]
        try:
            copies = await self._own.write(unit, long=self._are_many(uids))
        except NoSuchMailbox:
            return TRY_CREATE
        except (MailboxFull, OverQuota, SomeExpunged) as refusal:
            return REFUSALS[type(refusal)]
        return Copied(copies.uid_validity, copies.uids, copies.copies)

    async def _move(self, question: mail_events.Move) -> mail_events.Moved | Declined:
        unit = move_messages(
            self._account,
            self._mailbox.mailbox,
            question.uids,
            question.mailbox,
            question.count,
            self._now,
        )
        copied = await self._copied(unit, question.uids)
        if isinstance(copied, Declined):
            return copied
        return mail_events.Moved(copied, await self._news(question.version))

    def _time(self, _: mail_events.AskTime) -> int:
        return self._now

    def _erred(self, _: Erred) -> object:
        patience = self._service.patience
        return patience and patience.erred(self._peer.address)

    answers: ClassVar[Mapping[type, Callable[..., object]]] = {
        events.Select: _select,
        mail_events.Close: _close,
        mail_events.Refresh: _refresh,
        mail_events.Store: _store_flags,
        mail_events.Expunge: _expunge,
        mail_events.Copy: _copy,
        mail_events.Move: _move,
        mail_events.Vanished: _vanished,
        mail_events.AskTime: _time,
        Erred: _erred,
    }


#: By question: the part of an agent that answers it (the agent itself: ""), how, and if it is LONG.
ANSWERS: Mapping[type, tuple[str, Callable[..., object], bool]] = {
    question: (part, answer, question in LONG)
    for part, answers in (
        ("", ImapAgent.answers),
        ("_door", dict.fromkeys(QUESTIONS, Door.ask)),
        ("_mailboxes", MailboxAnswers.answers),
        ("_searching", SearchAnswers.answers),
        ("_watcher", WatchAnswers.answers),
        ("_long_work", {events.GoOn: LongWork.go_on}),
        ("_appending", AppendAnswers.answers),
        ("_reading", ReadAnswers.answers),
    )
    for question, answer in answers.items()
}


def opened_of(question: events.Select, about: Described, identity: str) -> events.Opened:
    """The answer to SELECT."""
    validity = about.mailbox.uid_validity
    return events.Opened(
        Selected(question.name, validity, question.read_only, about.view),
        about.newest + 1,
        about.first_unseen,
        about.keywords,
        identity,
        about.told,
    )
