"""The agent that answers IMAP engines from the mailboxes of the account that has logged in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from posthouse.message.structure import parse
from posthouse.message.summary import Summary, summarise
from posthouse.protocols.engine import Engine
from posthouse.protocols.imap import events, mail_events
from posthouse.protocols.imap.extensions import ALL
from posthouse.protocols.imap.mail_events import Copied, Declined, Mode, News
from posthouse.protocols.imap.sequence import Ranges
from posthouse.protocols.imap.server import serve
from posthouse.protocols.imap.session import Limits, Session
from posthouse.protocols.imap.view import Selected
from posthouse.runtime.connection import Log, Notify, Peer

from .. import flags as flag_text
from ..blobs.files import BlobFiles
from ..contents import header_size, read_content
from ..database import StoreUnavailable
from ..fetching import Shaper, fetch_rows, file_of_content, find_file, spread_out
from ..mailboxes import (
    Mailbox,
    MailboxExists,
    NotAllowed,
    TooManyMailboxes,
    claim_recent,
    count_recent,
    create_mailbox,
    delete_mailbox,
    find_mailbox,
    list_mailboxes,
    list_subscriptions,
    rename_mailbox,
    subscribe,
    unsubscribe,
)
from ..messages import (
    Filed,
    MailboxFull,
    NoSuchMailbox,
    SomeExpunged,
    append_message,
    copy_messages,
    expunge_messages,
    store_flags,
)
from ..quota import OverQuota, has_room
from ..spool import Spool
from ..store import Store
from ..unit import Unit
from ..views import MailboxViews, SharedView
from .login import QUESTIONS, Authenticator, Door
from .newlines import Newlines

NEWS = "news"  # the notice: something of the account has changed
MANY = 1_000  # messages from which a unit of work is not run on the loop
KEYWORDS = 50  # of a mailbox, that SELECT names
HEADER_IN_FILE = 1024 * 1024  # octets of a file that are searched for the end of the header

CHANGES: Mapping[Mode, Callable[[str, tuple[str, ...]], str]] = {
    Mode.REPLACE: flag_text.replaced,
    Mode.ADD: flag_text.added,
    Mode.REMOVE: flag_text.removed,
}

NO_MAILBOX = Declined("there is no such mailbox", "NONEXISTENT")
TRY_CREATE = Declined("there is no such mailbox, create it first", "TRYCREATE")

#: What a unit of work raises, as the client is told it (RFC 5530 §3).
REFUSALS: Mapping[type[Exception], Declined] = {
    NoSuchMailbox: NO_MAILBOX,
    MailboxExists: Declined("there is a mailbox of this name already", "ALREADYEXISTS"),
    NotAllowed: Declined("this cannot be done with that mailbox", "CANNOT"),
    TooManyMailboxes: Declined("the account has too many mailboxes", "LIMIT"),
    SomeExpunged: Declined("some of the messages were expunged", "EXPUNGEISSUED"),
    OverQuota: Declined("the account keeps as much as it may; remove something", "OVERQUOTA"),
    MailboxFull: Declined("the mailbox has no UIDs left; use another one", "LIMIT"),
    flag_text.TooManyFlags: Declined("a message would have too many keywords", "LIMIT"),
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
    ) -> None:
        self.store = store
        self.views = views
        self.blobs = blobs
        self.authenticator = authenticator
        self.settings = settings
        self.now = now
        self.log = log
        self.tls_available = tls_available

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
        )
        return serve(session), ImapAgent(self, peer, notify)


@dataclass(slots=True)
class Append:
    """A message that is being appended."""

    mailbox: str
    flags: str
    date: datetime | None
    spool: Spool
    newlines: Newlines
    failure: OSError | None = None


class ImapAgent:
    """One connection."""

    def __init__(self, service: Imap, peer: Peer, notify: Notify) -> None:
        self._service = service
        self._store = service.store
        self._peer = peer
        self._notify = notify
        self._door = Door(service.authenticator, "imap", "imap", peer.address, service.log)
        self._shared: SharedView | None = None
        self._claims = False  # this session may take \\Recent
        self._append: Append | None = None
        self._shaper = Shaper(self._summarise, self._file_of, self._header_in_file)
        self._answers: dict[type, Callable[..., object]] = {
            **dict.fromkeys(QUESTIONS, self._door.ask),
            events.ListMailboxes: self._list,
            events.Create: self._create,
            events.Delete: self._delete,
            events.Rename: self._rename,
            events.Subscribe: self._subscribe,
            events.Unsubscribe: self._unsubscribe,
            events.Status: self._status,
            events.Select: self._select,
            events.BeginAppend: self._begin_append,
            events.EndAppend: self._end_append,
            mail_events.Close: self._close,
            mail_events.Refresh: self._refresh,
            mail_events.Store: self._store_flags,
            mail_events.Expunge: self._expunge,
            mail_events.Copy: self._copy,
            mail_events.FetchRows: self._fetch_rows,
            mail_events.ReadContent: self._read_content,
            mail_events.ReadStructure: self._read_structure,
        }

    def ask(self, question: object) -> object:
        """The answer, or an awaitable of it."""
        return self._answers[type(question)](question)

    def show(self, event: object) -> None:
        if isinstance(event, events.AppendContent):
            self._append_content(event.octets)
        elif isinstance(event, events.AbandonAppend):
            self._abandon_append()
        elif isinstance(event, events.Identified):
            self._service.log.debug("client", peer=self._peer.address, fields=dict(event.fields))

    def closed(self) -> None:
        """The connection has gone."""
        self._abandon_append()
        self._leave()
        if self._door.login is not None:
            self._service.views.ignore(self._door.login.account, self)

    @property
    def _account(self) -> int:
        assert self._door.login is not None, "nobody has logged in"
        return self._door.login.account

    @property
    def _now(self) -> int:
        return int(self._service.now())

    async def _done(self, work: asyncio.Future[object]) -> Declined | None:
        """The end of a unit that answers with nothing."""
        try:
            await work
        except tuple(REFUSALS) as refusal:
            return REFUSALS[type(refusal)]
        return None

    # The list of mailboxes

    def _list(self, _: events.ListMailboxes) -> tuple[events.Mailbox, ...]:
        subscribed = set(self._store.read(list_subscriptions(self._account)))
        mailboxes = self._store.read(list_mailboxes(self._account))
        names = {mailbox.name for mailbox in mailboxes}
        return (
            *(
                events.Mailbox(each.name, each.name in subscribed, True, each.special_use)
                for each in mailboxes
            ),
            *(events.Mailbox(name, True, False) for name in sorted(subscribed - names)),
        )

    def _create(self, question: events.Create) -> object:
        unit = create_mailbox(self._account, question.name, self._now)
        return self._done(self._store.write(unit))

    def _delete(self, question: events.Delete) -> object:
        unit = delete_mailbox(self._account, question.name, self._now)
        return self._done(self._store.write(unit, long=True))

    def _rename(self, question: events.Rename) -> object:
        unit = rename_mailbox(self._account, question.name, question.to, self._now)
        return self._done(self._store.write(unit, long=True))

    def _subscribe(self, question: events.Subscribe) -> object:
        return self._done(self._store.write(subscribe(self._account, question.name)))

    async def _unsubscribe(self, question: events.Unsubscribe) -> None:
        await self._store.write(unsubscribe(self._account, question.name))

    def _find(self, name: str) -> Mailbox | None:
        return self._store.read(find_mailbox(self._account, name))

    def _status(self, question: events.Status) -> events.Counts | Declined:
        found = self._find(question.name)
        if found is None:
            return NO_MAILBOX
        return events.Counts(
            found.messages,
            found.unseen,
            found.uid_next,
            found.uid_validity,
            self._store.read(count_recent(self._account, found)),
            found.highest_modseq,
        )

    # The selected mailbox

    async def _select(self, question: events.Select) -> events.Opened | Declined:
        self._leave()  # what a SELECT that failed has left
        account = self._account
        found = self._find(question.name)
        shared = None
        if found is not None:
            shared = await self._service.views.open(account, found.id)
        if found is None or shared is None:
            return NO_MAILBOX
        self._shared = shared
        self._claims = not question.read_only
        self._service.views.listen(account, self, self._something_changed)
        view = shared.view
        newest = max(found.uid_next - 1, view.uids[-1] if view.uids else 0)
        recent = await self._recent(found, newest)
        selected = Selected(
            question.name, found.uid_validity, question.read_only, view, recent=recent
        )
        unseen = next((at for at, each in enumerate(view.flags, 1) if b"\\Seen" not in each), 0)
        return events.Opened(selected, newest + 1, unseen, keywords_of(view.flags))

    async def _recent(self, found: Mailbox, newest: int) -> list[tuple[int, int]]:
        """What is \\Recent in this session; EXAMINE looks, and takes nothing.

        A message may have come since the mailbox was found: `newest` is the last in the view.
        """
        if found.recent_from > newest:
            return []
        if not self._claims:
            return [(found.recent_from, newest)]
        return await self._claim(self._account, found.id)

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
        return self._done(
            self._store.write(
                expunge_messages(self._account, shared.mailbox, None, self._now),
                long=len(shared.view) > MANY,
            )
        )

    def _leave(self) -> None:
        if self._shared is not None:
            self._service.views.close(self._shared)
            self._service.views.ignore(self._shared.account, self)
            self._shared = None

    def _something_changed(self) -> None:
        self._notify(NEWS)

    @property
    def _mailbox(self) -> SharedView:
        assert self._shared is not None, "no mailbox is selected"
        return self._shared

    async def _refresh(self, question: mail_events.Refresh) -> News:
        return await self._news(question.version)

    async def _news(self, version: int) -> News:
        shared = self._mailbox
        await self._service.views.refresh(shared)
        news = shared.since(version)
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
            await self._store.write(
                store_flags(
                    self._account,
                    self._mailbox.mailbox,
                    question.uids,
                    CHANGES[question.mode],
                    given,
                ),
                long=self._are_many(question.uids),
            )
        except tuple(REFUSALS) as refusal:
            return REFUSALS[type(refusal)]
        return await self._news(question.version)

    async def _expunge(self, question: mail_events.Expunge) -> News | Declined:
        await self._store.write(
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
        )
        try:
            copies = await self._store.write(unit, long=self._are_many(question.uids))
        except NoSuchMailbox:
            return TRY_CREATE
        except (MailboxFull, OverQuota, SomeExpunged) as refusal:
            return REFUSALS[type(refusal)]
        return Copied(copies.uid_validity, copies.uids, copies.copies)

    def _fetch_rows(self, question: mail_events.FetchRows) -> list[mail_events.Row]:
        account, mailbox = self._account, self._mailbox.mailbox
        needs = question.needs
        rows: list[mail_events.Row] = []
        for uids in spread_out(question.uids):
            found = self._store.read(fetch_rows(account, mailbox, uids, needs))
            rows += self._shaper.shape(found, needs)
        return rows

    def _file_of(self, content: int) -> str | None:
        return self._store.read(file_of_content(content))

    def _summarise(self, content: int) -> Summary:
        """A summary that is missing, or of an older maker."""
        stored = self._store.read(lambda: read_content(content))
        if stored is None:
            return summarise(b"")
        if stored.octets is not None:
            return summarise(stored.octets)
        assert stored.file is not None
        return summarise(self._service.blobs.read_all(stored.file))

    def _header_in_file(self, file: str) -> bytes:
        beginning = self._service.blobs.read(file, 0, HEADER_IN_FILE)
        return beginning[: header_size(beginning)]

    def _read_content(self, question: mail_events.ReadContent) -> object:
        return asyncio.to_thread(
            self._read_file, self._find_file(question.handle), question.offset, question.length
        )

    def _read_structure(self, question: mail_events.ReadStructure) -> object:
        file, prefix, size = self._find_file(question.handle)
        return asyncio.to_thread(lambda: parse(self._read_file((file, prefix, size), 0, size)))

    def _find_file(self, uid: object) -> tuple[str, bytes, int]:
        assert isinstance(uid, int)
        found = self._store.read(find_file(self._account, self._mailbox.mailbox, uid))
        if found is None:
            raise FileNotFoundError(f"the content of message {uid} is no longer there")
        return found

    def _read_file(self, file: tuple[str, bytes, int], offset: int, length: int) -> bytes:
        name, prefix, _ = file
        top = prefix[offset : offset + length]
        rest = length - len(top)
        start = max(0, offset - len(prefix))
        return top + (self._service.blobs.read(name, start, rest) if rest else b"")

    # APPEND

    def _begin_append(self, question: events.BeginAppend) -> Declined | None:
        if self._find(question.mailbox) is None:
            return TRY_CREATE
        if not self._store.read(lambda: has_room(self._account, question.size)):
            return REFUSALS[OverQuota]
        try:
            flags = flag_text.canonical([flag.decode("ascii") for flag in question.flags])
        except flag_text.TooManyFlags as refusal:
            return REFUSALS[type(refusal)]
        self._abandon_append()
        self._append = Append(
            question.mailbox,
            flags,
            question.date,
            Spool(self._service.blobs),
            Newlines(self._service.settings.normalise_newlines),
        )
        return None

    def _append_content(self, octets: bytes) -> None:
        append = self._append
        if append is None or append.failure is not None:
            return
        try:
            append.spool.write(append.newlines.take(octets))
        except OSError as error:
            append.failure = error

    async def _end_append(self, _: events.EndAppend) -> events.Appended | Declined:
        append, self._append = self._append, None
        assert append is not None, "no message is being appended"
        try:
            unit = await self._filing(append)
        except BaseException:
            append.spool.abandon()
            raise
        if isinstance(unit, Declined):
            append.spool.abandon()
            return unit
        try:
            # If the client goes away now, the unit completes all the same.
            filed = await self._store.write(unit)
        except tuple(REFUSALS) as refusal:
            append.spool.abandon()
            return TRY_CREATE if isinstance(refusal, NoSuchMailbox) else REFUSALS[type(refusal)]
        return events.Appended(filed.uid_validity, filed.uid)

    async def _filing(self, append: Append) -> Unit[Filed] | Declined:
        """The unit that files a message, whose content is durable by then, or why it is not."""
        if append.failure is not None:
            raise append.failure
        append.spool.write(append.newlines.end())
        if append.newlines.fault:
            return Declined(append.newlines.fault, "CANNOT")
        spooled = await append.spool.finish()
        if spooled.octets is not None:
            summary = summarise(spooled.octets)
        else:
            file = spooled.prepared.file
            assert file is not None
            summary = await asyncio.to_thread(lambda: summarise(self._service.blobs.read_all(file)))
        date = self._now if append.date is None else int(append.date.timestamp())
        return append_message(
            self._account, append.mailbox, spooled.prepared, summary, date, append.flags
        )

    def _abandon_append(self) -> None:
        if self._append is not None:
            self._append.spool.abandon()
            self._append = None


def keywords_of(flags: list[bytes]) -> tuple[bytes, ...]:
    """The keywords in use, for the FLAGS response of SELECT."""
    found = {flag for text in set(flags) for flag in text.split() if not flag.startswith(b"\\")}
    return tuple(sorted(found)[:KEYWORDS])
