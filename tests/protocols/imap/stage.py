"""Mailboxes without a store, and the agent that gives them to IMAP engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from posthouse.message import structure
from posthouse.message.header import Header
from posthouse.message.listed import LISTED
from posthouse.message.ordering import ordering_keys
from posthouse.message.summary import summarise
from posthouse.message.text import body_texts, header_text
from posthouse.protocols.engine import Engine
from posthouse.protocols.imap.events import (
    AbandonAppend,
    AppendContent,
    Appended,
    BeginAppend,
    Counts,
    Create,
    Created,
    Delete,
    EndAppend,
    GetAnnotations,
    GetQuota,
    GoOn,
    ListMailboxes,
    Mailbox,
    Opened,
    Quota,
    Rename,
    Replace,
    Replaced,
    Select,
    SetAnnotations,
    Status,
    Subscribe,
    Unfinished,
    Unsubscribe,
)
from posthouse.protocols.imap.extensions import ALL
from posthouse.protocols.imap.mail_events import (
    AskTime,
    Close,
    Copied,
    Copy,
    Declined,
    Expunge,
    FetchRows,
    FindOrdering,
    FindText,
    Gone,
    Held,
    Mode,
    Move,
    Moved,
    Need,
    News,
    Ordering,
    Rare,
    ReadContent,
    ReadStructure,
    Refresh,
    Row,
    Store,
    TextFound,
    Vanished,
)
from posthouse.protocols.imap.sequence import Ranges, runs
from posthouse.protocols.imap.server import serve
from posthouse.protocols.imap.session import Limits, Session, State
from posthouse.protocols.imap.view import Selected, View
from posthouse.protocols.imap.watch_events import AskNoticed, Watch
from posthouse.protocols.sasl.mechanism import Accepted, Denial, Denied, Password
from tests.protocols.sasl import stage as sasl

from .watchers import State as Watched
from .watchers import Watchers

CONTENT = b"From: ann@a.example\r\nSubject: one\r\n\r\ntext\r\n"
LETTERS = Path(__file__).parent / "letters"
NO_MAILBOX = Declined("there is no such mailbox", "NONEXISTENT")
TRY_CREATE = Declined("there is no such mailbox, create it first", "TRYCREATE")
SPECIAL = {"Sent": "\\Sent", "Drafts": "\\Drafts", "Junk": "\\Junk", "Trash": "\\Trash"}


@dataclass(slots=True)
class Message:
    uid: int
    flags: bytes
    modseq: int
    content: bytes = CONTENT
    date: int = 1_000_000_000  # 9-Sep-2001 01:46:40


@dataclass(slots=True)
class Box:
    """One mailbox."""

    uid_validity: int
    messages: list[Message] = field(default_factory=list)
    uid_next: int = 1
    modseq: int = 1
    special_use: str = ""
    floor: int = 0  # what was expunged up to this mod-sequence is forgotten
    expunged: dict[int, int] = field(default_factory=dict)  # UIDs, and when
    recent: int = 0  # the UID up to which a session was told of what is \\Recent

    def add(self, flags: bytes = b"", content: bytes = CONTENT) -> int:
        self.modseq += 1
        self.messages.append(Message(self.uid_next, flags, self.modseq, content))
        self.uid_next += 1
        return self.uid_next - 1

    def named(self, ranges: Ranges) -> list[Message]:
        return [m for m in self.messages if any(a <= m.uid <= b for a, b in ranges)]

    def remove(self, gone: list[Message]) -> None:
        self.modseq += 1
        for message in gone:
            self.messages.remove(message)
            self.expunged[message.uid] = self.modseq

    def vanished(self, since: int, until: int) -> Gone:
        """What was expunged then; all that is not there now, where that is forgotten."""
        if since < self.floor:
            present = {message.uid for message in self.messages}
            uids = [uid for uid in range(1, self.uid_next) if uid not in present]
            return Gone(runs(uids), remembered=False)
        uids = [uid for uid, modseq in self.expunged.items() if since < modseq <= until]
        return Gone(runs(sorted(uids)))

    def view(self) -> View:
        return View.of(self.modseq, [(m.uid, m.flags, m.modseq) for m in self.messages])

    @property
    def id(self) -> str:
        return f"F1-{self.uid_validity}"

    def counts(self) -> Counts:
        unseen = [m for m in self.messages if b"\\Seen" not in m.flags]
        deleted = [m for m in self.messages if b"\\Deleted" in m.flags]
        return Counts(
            len(self.messages),
            len(unseen),
            self.uid_next,
            self.uid_validity,
            sum(m.uid > self.recent for m in self.messages),
            self.modseq,
            sum(len(m.content) for m in self.messages),
            len(deleted),
            sum(len(m.content) for m in deleted),
            self.id,
        )

    def claim(self, read_only: bool) -> list[tuple[int, int]]:
        """What is \\Recent in the session that asks; in others no more, if it may write."""
        new = [m.uid for m in self.messages if m.uid > self.recent]
        if not read_only:
            self.recent = self.uid_next - 1
        return [(new[0], new[-1])] if new else []


class Stage:
    """Its settings: `secure`, `plaintext`, `tls`, `logged-in`, `pauses` (yes or no); `mailboxes`
    (names, with spaces between them), `messages` (in INBOX), `letters` (the same, names in the
    folder of that name), `held-from` (octets of a content that is held), `precise` (yes: news name
    what was changed), and the fields of `Limits`.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = settings
        self.boxes = {"INBOX": Box(1)}
        for name in settings.get("mailboxes", "").split():
            self.boxes[name] = Box(len(self.boxes) + 1)
        for _ in range(int(settings.get("messages", 0))):
            self.boxes["INBOX"].add()
        for name in settings.get("letters", "").split():
            lines = (LETTERS / f"{name}.eml").read_bytes()
            self.boxes["INBOX"].add(content=lines.replace(b"\n", b"\r\n"))
        self.seconds = 0  # that have gone by
        self.annotations: dict[tuple[str, str], bytes] = {}
        self.subscribed = set(settings.get("subscribed", "").split())
        self.sessions: dict[int, Session] = {}
        self.engines: dict[int, Engine] = {}
        self.appends: dict[int, list[tuple[BeginAppend, bytes]]] = {}
        self.patience = 0
        self.unfinished: dict[int, object] = {}
        self.watchers = Watchers(self.watched, int(settings.get("watched", 100)))

    # Connections

    def open(self, connection: int = 1) -> Engine:
        setting = self.settings.get
        limits = Limits()
        for name in Limits.__dataclass_fields__:
            if name in self.settings:
                limits = replace(limits, **{name: int(self.settings[name])})
        session = Session(
            "imap.example",
            ALL,
            limits=limits,
            secure=setting("secure") == "yes",
            tls=sasl.tls(self.settings) if setting("secure") == "yes" else None,
            mechanisms=sasl.mechanisms(self.settings),
            plaintext_allowed=setting("plaintext") != "no",
            tls_available=setting("tls") == "yes",
            pauses=setting("pauses") == "yes",
        )
        if setting("logged-in") != "no":
            session.state, session.user = State.AUTHENTICATED, "ann"
        self.sessions[connection] = session
        self.engines[connection] = serve(session)
        return self.engines[connection]

    def notice(self, connection: int, text: str) -> object:
        """What happens by itself: `new`, `seen UID`, `gone UID`, `forget` in INBOX."""
        box = self.boxes["INBOX"]
        what, _, uid = text.partition(" ")
        box.modseq += 1
        if what == "new":
            box.add()
        elif what == "gone":
            box.remove([m for m in box.messages if m.uid == int(uid)])
        elif what == "forget":
            box.floor = box.modseq
        elif what == "seen":
            for message in box.messages:
                if message.uid == int(uid):
                    message.flags, message.modseq = b"\\Seen", box.modseq
        return "changed"

    def changed(self, name: str) -> None:
        """Tell all that have it selected, as the change feed does."""
        for connection, session in self.sessions.items():
            if session.selected is not None and session.selected.mailbox == name:
                self.engines[connection].notify("changed")

    def watched(self) -> Watched:
        boxes = {
            id(box): (name, replace(box.counts(), recent=0), box)
            for name, box in self.boxes.items()
        }
        return Watched(boxes, frozenset(self.subscribed), dict(self.annotations))

    def about_watching(self, connection: int, question: object) -> object:
        selected = self.sessions[connection].selected
        name = selected.mailbox if selected is not None else ""
        match question:
            case Watch():
                return self.watchers.watch(connection, question, name)
            case AskNoticed():
                return self.watchers.noticed(connection, name)
        return NotImplemented

    def selected(self, connection: int) -> tuple[Selected, Box]:
        selected = self.sessions[connection].selected
        assert selected is not None
        return selected, self.boxes[selected.mailbox]

    # Questions

    def show(self, connection: int, event: object) -> None:
        if isinstance(event, AppendContent):
            begun, octets = self.appends[connection][-1]
            self.appends[connection][-1] = begun, octets + event.octets
        elif isinstance(event, AbandonAppend):
            del self.appends[connection]

    def answer(self, connection: int, question: object, text: str | None) -> object:
        known = sasl.answer(question, text)
        if known is not None:
            return known
        if text and isinstance(question, Password):
            return Denied(Denial(text))
        if text:  # "OVERQUOTA too much"
            code, _, why = text.partition(" ")
            return Declined(why, code)
        before = self.watched() if self.watchers.groups else None
        given = self.given(connection, question)
        if before is not None and before != self.watched():
            self.watchers.own(connection)
            for other in self.watchers.groups:
                self.engines[other].notify("changed")
        return given

    def given(self, connection: int, question: object) -> object:
        if isinstance(question, GoOn):
            question = self.unfinished.pop(connection)
        elif "slow" in self.settings and isinstance(question, Store | Copy | Move | Rename):
            self.patience = int(self.settings["slow"])
        if self.patience:
            self.patience -= 1
            self.unfinished[connection] = question
            return Unfinished()
        for answers in (
            self.about_watching,
            self.about_mailboxes,
            self.about_subscriptions,
            self.about_the_account,
            self.about_a_mailbox,
            self.about_messages,
            self.about_contents,
        ):
            answer = answers(connection, question)
            if answer is not NotImplemented:
                return answer
        raise AssertionError(f"not asked before: {question!r}")

    def about_mailboxes(self, connection: int, question: object) -> object:
        match question:
            case Password(user, "secret"):
                return Accepted(user)
            case Password():
                return Denied()
            case ListMailboxes(items):
                return tuple(
                    Mailbox(
                        name,
                        subscribed=name in self.subscribed,
                        exists=name in self.boxes,
                        special_use=self.special_use(name),
                        counts=self.boxes[name].counts() if items and name in self.boxes else None,
                    )
                    for name in {*self.boxes, *self.subscribed}
                )
            case Create(name, use):
                if name in self.boxes:
                    return Declined("there is a mailbox of this name already", "ALREADYEXISTS")
                if use and use in map(self.special_use, self.boxes):
                    return Declined("another mailbox is for this", "USEATTR")
                self.boxes[name] = Box(len(self.boxes) + 1, special_use=use)
                return Created(self.boxes[name].id)
        return NotImplemented

    def about_the_account(self, connection: int, question: object) -> object:
        match question:
            case GetAnnotations(name, entries, depth) if not name or name in self.boxes:
                return {
                    entry: value
                    for (box, entry), value in sorted(self.annotations.items())
                    if box == name
                    and any(
                        entry == wanted
                        or (
                            entry.startswith(wanted + "/")
                            and entry[len(wanted) :].count("/") <= depth
                        )
                        for wanted in entries
                    )
                }
            case SetAnnotations(name, values) if not name or name in self.boxes:
                for entry, value in values.items():
                    self.annotations.pop((name, entry), None)
                    if value is not None:
                        self.annotations[name, entry] = value
                return None
            case GetAnnotations() | SetAnnotations():
                return NO_MAILBOX
            case GetQuota():
                used = sum(box.counts().size for box in self.boxes.values())
                return Quota(used, int(self.settings.get("quota", 0)))
            case Delete(name):
                if name not in self.boxes:
                    return NO_MAILBOX
                del self.boxes[name]
                return None
            case Rename(name, to):
                return self.rename(name, to)
        return NotImplemented

    def about_subscriptions(self, connection: int, question: object) -> object:
        match question:
            case Subscribe(name):
                self.subscribed.add(name)
                return None
            case Unsubscribe(name):
                self.subscribed.discard(name)
                return None
        return NotImplemented

    def special_use(self, name: str) -> str:
        box = self.boxes.get(name)
        return (box.special_use if box else "") or SPECIAL.get(name, "")

    def rename(self, name: str, to: str) -> object:
        if name not in self.boxes:
            return NO_MAILBOX
        if to in self.boxes:
            return Declined("there is a mailbox of this name already", "ALREADYEXISTS")
        self.boxes[to] = self.boxes.pop(name)
        if name == "INBOX":
            self.boxes[name] = Box(len(self.boxes) + 1)
            return None
        for below in [each for each in self.boxes if each.startswith(name + "/")]:
            self.boxes[to + below[len(name) :]] = self.boxes.pop(below)
        return None

    def about_a_mailbox(self, connection: int, question: object) -> object:
        match question:
            case Select(name) | Status(name) if name not in self.boxes:
                return NO_MAILBOX
            case BeginAppend(name) if name not in self.boxes:
                return TRY_CREATE
            case Select(name, read_only):
                box = self.boxes[name]
                recent = box.claim(read_only)
                selected = Selected(name, box.uid_validity, read_only, box.view(), recent)
                unseen = [b"\\Seen" in m.flags for m in box.messages]
                first = unseen.index(False) + 1 if False in unseen else 0
                return Opened(selected, box.uid_next, first, mailbox_id=box.id)
            case Status(name):
                return self.boxes[name].counts()
            case BeginAppend():
                self.appends.setdefault(connection, []).append((question, b""))
                return None
            case EndAppend():
                return self.append(connection)
            case Replace(_, uid):
                appended = self.append(connection)
                selected, box = self.selected(connection)
                box.modseq += 1
                box.messages = [m for m in box.messages if m.uid != uid]
                self.changed(selected.mailbox)
                return Replaced(appended, self.news(connection))
            case Close():
                return None
        return NotImplemented

    def append(self, connection: int) -> Appended:
        uids = []
        for begun, octets in self.appends.pop(connection):
            assert len(octets) == begun.size
            box = self.boxes[begun.mailbox]
            uids.append(box.add(b" ".join(begun.flags), octets))
        self.changed(begun.mailbox)
        return Appended(box.uid_validity, uids)

    def about_messages(self, connection: int, question: object) -> object:
        match question:
            case Refresh():
                return self.news(connection)
            case Store(_, ranges, mode, flags, since):
                selected, box = self.selected(connection)
                named = box.named(ranges)
                modified = [m.uid for m in named if since is not None and m.modseq > since]
                modseq = box.modseq + 1
                for message in named:
                    after = changed(message.flags, mode, flags)
                    if message.uid not in modified and after != message.flags:
                        message.flags, message.modseq = after, modseq
                        box.modseq = modseq
                self.changed(selected.mailbox)
                return replace(self.news(connection), modified=modified)
            case Expunge(_, ranges):
                selected, box = self.selected(connection)
                named = box.messages if ranges is None else box.named(ranges)
                box.remove([m for m in named if b"\\Deleted" in m.flags])
                self.changed(selected.mailbox)
                return self.news(connection)
            case Copy(_, name) | Move(_, _, name) if name not in self.boxes:
                return TRY_CREATE
            case Vanished(since, until):
                return self.selected(connection)[1].vanished(since, until)
            case AskTime():
                self.seconds += int(self.settings.get("clock-step", 0))
                return int(self.settings.get("now", 1_000_001_000)) + self.seconds
            case Move(_, ranges, name):
                selected, box = self.selected(connection)
                to, named = self.boxes[name], box.named(ranges)
                made = [to.add(each.flags, each.content) for each in named]
                box.remove(named)
                self.changed(name)
                self.changed(selected.mailbox)
                moved = Copied(to.uid_validity, [each.uid for each in named], made)
                return Moved(moved, self.news(connection))
            case Copy(ranges, name):
                _, box = self.selected(connection)
                to = self.boxes[name]
                copied = [
                    (message.uid, to.add(message.flags, message.content))
                    for message in list(box.messages)
                    if any(first <= message.uid <= last for first, last in ranges)
                ]
                self.changed(name)
                uids, copies = zip(*copied, strict=True) if copied else ((), ())
                return Copied(to.uid_validity, uids, copies)
        return NotImplemented

    def about_contents(self, connection: int, question: object) -> object:
        match question:
            case FetchRows(uids, needs):
                _, box = self.selected(connection)
                kept = {message.uid: message for message in box.messages}
                held = int(self.settings.get("held-from", 1 << 32))
                return [row(kept[uid], held, needs) for uid in uids if uid in kept]
            case ReadContent(bytes(content), offset, length):
                return content[offset : offset + length]
            case ReadStructure(bytes(content)):
                return structure.parse(content)
            case FindText():
                return self.find_text(connection, question)
            case FindOrdering(columns):
                _, box = self.selected(connection)
                rows = [ordering(m, columns) for m in box.messages if m.uid <= self.indexed]
                uids, *values = zip(*rows, strict=True) if rows else [()] * (len(columns) + 1)
                return Ordering(uids, values)
        return NotImplemented

    @property
    def indexed(self) -> int:
        """The UID up to which the agent knows texts and orderings."""
        return int(self.settings.get("indexed", 0))

    def find_text(self, connection: int, question: FindText) -> TextFound | None:
        if not self.indexed:
            return None
        _, box = self.selected(connection)
        found = []
        for message in box.messages:
            header = message.content[: summarise(message.content).header_size]
            texts = [header_text(header)] if question.in_header else []
            if question.field:
                start = question.field + ": "
                lines = texts[0].split("\n")
                texts = [line[len(start) :] for line in lines if line.startswith(start)]
            texts += (body_texts(message.content, 1 << 20) or []) if question.in_body else []
            if message.uid <= self.indexed and any(question.needle in text for text in texts):
                found.append(message.uid)
        return TextFound(found, [(self.indexed + 1, (1 << 32) - 1)])

    def news(self, connection: int) -> News:
        selected, box = self.selected(connection)
        view = box.view()
        recent = box.claim(selected.read_only)
        if self.settings.get("precise") != "yes":
            return News(view, recent=recent)
        vanished, changed = view.since(selected.view)
        # As where flags changed before the message went: both are named.
        return News(view, vanished, sorted({*changed, *vanished}), recent)


def ordering(message: Message, columns: tuple[str, ...]) -> tuple[object, ...]:
    keys = ordering_keys(message.content[: summarise(message.content).header_size])
    known: dict[str, object] = {
        "arrival": message.date,
        "size": len(message.content),
        "sent": message.date if keys.sent is None else keys.sent,
        "refs": keys.references,
    }
    values = [known[name] if name in known else getattr(keys, name) for name in columns]
    return message.uid, *values


def row(message: Message, held_from: int, needs: Need = Need.CONTENT) -> Row:
    """All that can be asked for; contents of `held_from` octets and more are held.

    Of the header no more than is needed: fields that are listed, or all of it.
    """
    content = message.content
    summary = summarise(content)
    header = content[: summary.header_size]
    if Need.LISTED in needs and not needs & (Need.HEADER | Need.CONTENT):
        header = Header(header).select(LISTED)
    return (
        message.uid,
        message.date,
        len(content),
        summary.envelope,
        summary.body,
        summary.body_structure,
        header,
        Held(content, len(content)) if len(content) >= held_from else content,
        summary.sent_day,
        Rare(b"M%d" % message.uid, message.date, summary.preview),
    )


def changed(before: bytes, mode: Mode, flags: tuple[bytes, ...]) -> bytes:
    held: dict[bytes, None] = {}
    if mode is not Mode.REPLACE:
        held = dict.fromkeys(before.split())
    if mode is Mode.REMOVE:
        return b" ".join(flag for flag in held if flag not in flags)
    return b" ".join([*held, *(flag for flag in flags if flag not in held)])
