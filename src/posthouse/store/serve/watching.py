"""Answers about mailboxes that an IMAP session watches without having them selected (RFC 5465)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from posthouse.protocols.imap import events
from posthouse.protocols.imap.listing import above
from posthouse.protocols.imap.mail_events import Declined
from posthouse.protocols.imap.watch_events import (
    MESSAGE_EVENTS,
    Annotated,
    AskNoticed,
    Event,
    Group,
    Named,
    Noticed,
    Overflow,
    Watch,
    Where,
)

from ..changes import ACCOUNT, APPENDED, EXPUNGED, FLAGS, MAILBOX
from ..mailboxes import INBOX_NAME, SEPARATOR, Mailbox
from ..snapshots import Deed, Snapshot, Snapshots, deeds
from ..store import Store
from .mailboxes import counts_of
from .own import OwnWrites

MOST_WATCHED = 1_000  # mailboxes of whose messages somebody wants to know
MOST_CHANGED = 1_000  # mailboxes that have changed between two questions
MOST_DEEDS = 1_000  # of one mailbox, between two questions

TOO_MANY = Declined("these are too many mailboxes to watch", "NOTIFICATIONOVERFLOW")

NOTHING = frozenset[Event]()

_EVENTS = {
    APPENDED: Event.MESSAGE_NEW,
    EXPUNGED: Event.MESSAGE_EXPUNGE,
    FLAGS: Event.FLAG_CHANGE,
}


@dataclass(frozen=True, slots=True)
class Changed:
    """What others have done to a mailbox, between two snapshots."""

    kinds: frozenset[Event]  # of messages
    itself: bool  # it was created, deleted or renamed
    entries: tuple[str, ...] = ()  # annotations
    was: str = ""  # the mailbox whose messages it has got


UNCHANGED = Changed(frozenset(), itself=False)


class Wishes:
    """What groups of events want of a mailbox, by its name: of many groups, only those are looked
    at that can mean it.
    """

    def __init__(self, groups: Iterable[Group]) -> None:
        self.everywhere = NOTHING
        self._subscribed = NOTHING
        self._named: dict[str, frozenset[Event]] = {}
        self._below: dict[str, frozenset[Event]] = {}
        for group in groups:
            self._add(group)

    def _add(self, group: Group) -> None:
        names: Iterable[str] = group.names
        match group.where:
            case Where.PERSONAL:
                self.everywhere |= group.events
            case Where.SUBSCRIBED:
                self._subscribed |= group.events
            case Where.INBOXES:  # where the MDA delivers
                names = (INBOX_NAME,)
        for name in names:
            self._named[name] = self._named.get(name, NOTHING) | group.events
            if group.where is Where.SUBTREE:
                self._below[name] = self._below.get(name, NOTHING) | group.events

    def of(self, name: str, snapshots: Iterable[Snapshot]) -> frozenset[Event]:
        """The events that are wanted; the name may be subscribed to in one of the snapshots."""
        found = self.everywhere | self._named.get(name, NOTHING)
        if self._subscribed and any(name in each.subscribed for each in snapshots):
            found |= self._subscribed
        if self._below:
            found = found.union(*(self._below.get(each, NOTHING) for each in above([name])))
        return found


@dataclass(slots=True)
class Watched:
    """What one session watches, and up to where it has been told."""

    groups: tuple[Group, ...]
    seen: Snapshot
    subscribed: set[str] = field(default_factory=set)  # names whose subscription it changed itself
    wishes: Wishes = field(init=False)

    def __post_init__(self) -> None:
        self.wishes = Wishes(self.groups)

    def wanted(self, name: str, *snapshots: Snapshot) -> frozenset[Event]:
        """The events of which the session wants to be told for this name."""
        return self.wishes.of(name, snapshots)


class WatchAnswers:
    """For one connection; `selected` gives the mailbox that is selected, or 0."""

    def __init__(
        self,
        store: Store,
        snapshots: Snapshots,
        own: OwnWrites,
        account: Callable[[], int],
        selected: Callable[[], int],
        listen: Callable[[bool], None],
    ) -> None:
        """`listen` has the session hear of changes of the account, or no more."""
        self._store = store
        self._snapshots = snapshots
        self._own = own
        self._whose = account
        self._selected = selected
        self._listen = listen
        self._watched: Watched | None = None

    @property
    def active(self) -> bool:
        return self._watched is not None

    def subscribed(self, name: str) -> None:
        """The session has subscribed to this name, or does no more."""
        if self._watched is not None:
            self._watched.subscribed.add(name)

    def forget(self) -> None:
        """Watch nothing."""
        self._watched = None
        self._own.marks = False
        self._own.forget(1 << 63)
        self._listen(False)

    def _watch(self, question: Watch) -> tuple[Noticed, ...] | Declined:
        if not question.groups:
            self.forget()
            return ()
        now = self._snapshots.now(self._whose())
        watched = Watched(question.groups, now)
        if self._are_too_many(watched, now):
            return TOO_MANY
        self._watched = watched
        self._own.marks = True
        self._listen(True)
        if not question.status:
            return ()
        return tuple(
            Noticed(each.name, counts_of(self._whose(), each), wanted & MESSAGE_EVENTS)
            for each in _by_name(now.mailboxes.values())
            if each.id != self._selected()
            and Event.MESSAGE_NEW in (wanted := watched.wanted(each.name, now))
        )

    def _are_too_many(self, watched: Watched, now: Snapshot) -> bool:
        """The session wants to know of the messages of more mailboxes than one may."""
        if len(now.mailboxes) <= MOST_WATCHED:
            return False
        wanted = (watched.wanted(each.name, now) for each in now.mailboxes.values())
        return sum(Event.MESSAGE_NEW in events for events in wanted) > MOST_WATCHED

    def _noticed(self, _: AskNoticed) -> tuple[object, ...] | Overflow:
        watched = self._watched
        if watched is None:
            return ()
        before, now = watched.seen, self._snapshots.now(self._whose())
        if now is before:
            return ()
        touched = [
            *(each.id for each in now.mailboxes.values() if each.highest_modseq > before.modseq),
            *(before.mailboxes.keys() - now.mailboxes.keys()),
        ]
        if len(touched) > MOST_CHANGED or (
            _have_other_names(before, now, touched) and self._are_too_many(watched, now)
        ):
            self.forget()
            return Overflow()
        done = self._store.read(
            deeds(self._whose(), [ACCOUNT, *touched], before.modseq, now.modseq, MOST_DEEDS)
        )
        changed = {
            mailbox: self._by_others(each) if each or mailbox != ACCOUNT else UNCHANGED
            for mailbox, each in done.items()
        }
        own_names, watched.subscribed = watched.subscribed, set()
        watched.seen = now
        self._own.forget(now.modseq)
        return (
            *_names(watched, before, now, changed, own_names),
            *self._messages(watched, before, now, changed),
            *_annotations(watched, now, changed),
        )

    def _by_others(self, done: list[Deed] | None) -> Changed:
        """Of what was done, what somebody else did; where that is not known, all there is."""
        if not done:
            return Changed(frozenset(_EVENTS.values()), itself=True)
        others = [each for each in done if not self._own.is_own(each.modseq)]
        about = [each.what for each in others if each.kind == MAILBOX]
        entries = {entry for what in about if what.startswith("/") for entry in what.split("\n")}
        return Changed(
            frozenset(_EVENTS[each.kind] for each in others if each.kind != MAILBOX),
            any(not what.startswith("/") for what in about),
            tuple(sorted(entries)),
            next((what[1:] for what in about if what.startswith("=")), ""),
        )

    def _messages(
        self, watched: Watched, before: Snapshot, now: Snapshot, changed: Mapping[int, Changed]
    ) -> Iterator[Noticed]:
        """§5.1 to §5.3; a name that has another mailbox now has another UIDVALIDITY."""
        known = {}
        if any(each.itself for each in changed.values()):
            known = {each.name: each.uid_validity for each in before.mailboxes.values()}
        for mailbox in _by_name(now.mailboxes[each] for each in changed if each in now.mailboxes):
            if mailbox.id == self._selected():
                continue
            wanted = watched.wanted(mailbox.name, now)
            its, old = changed[mailbox.id], before.mailboxes.get(mailbox.id)
            kinds = its.kinds & wanted
            anew = known.get(mailbox.name) != mailbox.uid_validity
            if its.itself and anew and Event.FLAG_CHANGE in wanted:
                kinds |= {Event.MESSAGE_NEW}
            if not kinds:
                continue
            yield Noticed(
                mailbox.name,
                counts_of(self._whose(), mailbox),
                wanted & MESSAGE_EVENTS,
                kinds == {Event.FLAG_CHANGE},
                old is None or old.unseen != mailbox.unseen,
            )

    answers: ClassVar[Mapping[type, Callable[..., object]]] = {
        Watch: _watch,
        AskNoticed: _noticed,
    }


def _have_other_names(before: Snapshot, now: Snapshot, touched: Iterable[int]) -> bool:
    """Whether others may be watched now than before: where none was renamed, all is as it was."""
    if now.subscribed is not before.subscribed:
        return True
    return any(
        now.mailboxes.get(each, _NOTHING).name != before.mailboxes.get(each, _NOTHING).name
        for each in touched
    )


def _by_name(mailboxes: Iterable[Mailbox]) -> list[Mailbox]:
    return sorted(mailboxes, key=lambda mailbox: mailbox.name)


def _annotations(
    watched: Watched, now: Snapshot, changed: Mapping[int, Changed]
) -> Iterator[Annotated]:
    """§5.6, §5.7"""
    of_account = changed[ACCOUNT].entries
    if of_account and any(Event.SERVER_METADATA_CHANGE in each.events for each in watched.groups):
        yield Annotated("", of_account)
    for mailbox in _by_name(now.mailboxes[each] for each in changed if each in now.mailboxes):
        entries = changed[mailbox.id].entries
        if entries and Event.MAILBOX_METADATA_CHANGE in watched.wanted(mailbox.name, now):
            yield Annotated(mailbox.name, entries)


# Names


def _names(
    watched: Watched,
    before: Snapshot,
    now: Snapshot,
    changed: Mapping[int, Changed],
    own_names: set[str],
) -> Iterator[Named]:
    """§5.4, §5.5: each name once, with all that is true of it now.

    In the order in which a client can follow: names that are gone, names that were changed, others.
    """
    affected, renamed = _affected(before, now, changed)
    told = {
        name: renamed.get(name, "")
        for name in affected | renamed.keys()
        if Event.MAILBOX_NAME in watched.wanted(name, before, now)
        or (name in renamed and Event.MAILBOX_NAME in watched.wanted(renamed[name], before, now))
    }
    for name in (before.subscribed ^ now.subscribed) - own_names:
        if Event.SUBSCRIPTION_CHANGE in watched.wanted(name, before, now):
            told.setdefault(name, "")
    if not told:
        return
    by_name = {each.name: each for each in now.mailboxes.values()}
    parents, in_order = above(by_name), [each for each in _in_order(renamed) if each in told]
    gone = sorted(told.keys() - by_name.keys())
    others = sorted(told.keys() & by_name.keys() - renamed.keys())
    for name in [*gone, *in_order, *others]:
        mailbox = by_name.get(name)
        use = mailbox.special_use if mailbox else ""
        its = events.Mailbox(name, name in now.subscribed, mailbox is not None, use)
        yield Named(its, name in parents, told[name])


def _in_order(renamed: Mapping[str, str]) -> list[str]:
    """The new names, each after what has the name in its place: of a to b and b to c, first c."""
    moved = {old: new for new, old in renamed.items()}
    found: dict[str, None] = {}
    for name in sorted(renamed):
        chain: dict[str, None] = {}
        at: str | None = name
        while at is not None and at not in found and at not in chain:
            chain[at] = None
            at = moved.get(at)
        found.update(dict.fromkeys(reversed(chain)))
    return list(found)


def _affected(
    before: Snapshot, now: Snapshot, changed: Mapping[int, Changed]
) -> tuple[set[str], dict[str, str]]:
    """Names that were created or deleted, with those right above them; and new names with old ones.

    Those right above a new or an old name are affected too: what is below them has changed. What
    lies below a mailbox that was renamed is not spoken of.
    """
    names, moved, renamed = set[str](), dict[str, str](), dict[str, str]()
    for mailbox, its in changed.items():
        if not its.itself or mailbox == ACCOUNT:
            continue
        old, new = before.mailboxes.get(mailbox), now.mailboxes.get(mailbox)
        if old is not None and new is not None:
            if old.name != new.name:
                moved[old.name] = new.name
        elif its.was and new is not None:
            renamed[new.name] = its.was
        else:
            names.add((new or old or _NOTHING).name)
    for old_name, new_name in moved.items():
        if not any(
            moved.get(parent, SEPARATOR) + old_name[len(parent) :] == new_name
            for parent in above([old_name])
        ):
            renamed[new_name] = old_name
    there = now.names()
    names |= {_right_above(name) for name in (*names, *renamed, *renamed.values())}
    names.discard("")
    return {name for name in names if name in there or name not in moved}, renamed


def _right_above(name: str) -> str:
    return name.rpartition(SEPARATOR)[0]


_NOTHING = Mailbox(0, "", "", 0, 0, 0, 0, 0, 0, 0)
