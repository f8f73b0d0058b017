"""NOTIFY: the client says what it wants to be told, and of which mailboxes (RFC 5465)."""

from __future__ import annotations

from contextlib import suppress

from ...dialogue import Dialogue, Failed, send
from .. import news
from ..events import decide
from ..extension import Command, Extension, Tells
from ..fetch.grammar import fetch_atts
from ..fetch.item import MODSEQ, Item
from ..grammar import Reader
from ..modseq import make_aware
from ..result import Bad, No
from ..session import IN, Session
from ..view import EVERYTHING, NOTHING_WANTED, Wanted
from ..watch_events import MESSAGE_EVENTS, Event, Group, Noticed, Watch, Where
from ..watching import status, watch

MOST_GROUPS = 100  # of events, in one command
MOST_NAMES = 1_000  # of mailboxes, in one command

_EVENTS = {event.value.upper(): event for event in Event}
#: §5: all of them, but that messages have no annotations (RFC 5257).
_OFFERED = [event for event in Event if event is not Event.ANNOTATION_CHANGE]
_SELECTED = ("SELECTED", "SELECTED-DELAYED")


class Groups:
    """The event-groups of one command, as they are read."""

    def __init__(self, session: Session, reader: Reader) -> None:
        self._session = session
        self._reader = reader
        self.selected: Wanted | None = None
        self.others: list[Group] = []
        self._names = 0
        self._offered = True

    def read(self) -> None:
        """event-groups = event-group *(SP event-group)"""
        while True:
            self._group()
            if len(self.others) > MOST_GROUPS or self._names > MOST_NAMES:
                raise No("that is too much to watch", "NOTIFICATIONOVERFLOW")
            if self._reader.ended:
                break
            self._reader.space()
        if not self._offered:
            supported = " ".join(event.value for event in _OFFERED)
            raise No("there is no such event", f"BADEVENT ({supported})")

    def _group(self) -> None:
        """event-group = "(" filter-mailboxes SP events ")" """
        reader = self._reader
        reader.expect(b"(")
        where = reader.atom().upper()
        if where in _SELECTED:
            if self.selected is not None:
                raise Bad("the selected mailbox is named twice")
            reader.space()
            events, items = self._events(of_selected=True)
            messages, flags = Event.MESSAGE_NEW in events, Event.FLAG_CHANGE in events
            self.selected = Wanted(messages, flags, items, messages and where == "SELECTED")
        elif where in Where.__members__:
            names = frozenset[str]()
            if where in ("SUBTREE", "MAILBOXES"):
                reader.space()
                names = self._mailboxes()
            reader.space()
            events, _ = self._events(of_selected=False)
            if events:
                self.others.append(Group(Where(where), names, events))
        else:
            raise Bad("no such mailbox specifier")
        reader.expect(b")")

    def _mailboxes(self) -> frozenset[str]:
        """one-or-more-mailbox = mailbox / many-mailboxes"""
        reader = self._reader
        many = reader.next_is(b"(")
        names = reader.list(reader.mailbox) if many else [reader.mailbox()]
        if not names:
            raise Bad("expected the name of a mailbox")
        self._names += len(names)
        return frozenset([name.removesuffix("/") for name in names])

    def _events(self, of_selected: bool) -> tuple[frozenset[Event], tuple[Item, ...]]:
        """events = ( "(" event *(SP event) ")" ) / "NONE" """
        reader = self._reader
        if reader.accept(b"NONE"):
            return frozenset(), ()
        found: list[Event] = []
        items: list[Item] = []

        def event() -> None:
            its = _EVENTS.get(reader.atom().upper())
            if its is None or its not in _OFFERED:
                self._offered = False
            if its is not None:
                found.append(its)
            if its is Event.MESSAGE_NEW and reader.next_is(b" ("):
                if not of_selected:
                    raise Bad("items are told of the selected mailbox alone")
                reader.space()
                items.extend(fetch_atts(self._session, reader))

        reader.list(event)
        _check(found, of_selected, self._offered)
        return frozenset(found), tuple(dict.fromkeys(items))


def _check(events: list[Event], of_selected: bool, offered: bool) -> None:
    """§5, §6.1: which events go together, and where"""
    if not events and offered:
        raise Bad("expected an event")
    together = (Event.MESSAGE_NEW in events) + (Event.MESSAGE_EXPUNGE in events)
    if together < 2 and not MESSAGE_EVENTS.isdisjoint(events):
        raise Bad("MessageNew and MessageExpunge go together, and the others with them")
    if of_selected and not MESSAGE_EVENTS.issuperset(events):
        raise Bad("of the selected mailbox, only its messages can be watched")


def notify(session: Session, reader: Reader) -> Dialogue[str]:
    """notify = "NOTIFY" SP (notify-set / notify-none)"""
    reader.space()
    name = reader.atom().upper()
    if name == "NONE":
        reader.end()
        yield from decide(Watch(()), tuple)
        watch(session, NOTHING_WANTED, others=False)
        return "nothing will be told"
    if name != "SET":
        raise Bad("expected SET or NONE")
    at_once = reader.accept(b" STATUS")
    reader.space()
    groups = Groups(session, reader)
    groups.read()
    wanted = groups.selected or NOTHING_WANTED
    if MODSEQ in wanted.items:
        yield from make_aware(session)
    noticed: tuple[Noticed, ...] = yield from decide(Watch(tuple(groups.others), at_once), tuple)
    yield from _accumulated(session, wanted)
    watch(session, wanted, others=bool(groups.others))
    for each in noticed:
        with_modseq = Event.FLAG_CHANGE in each.wanted or "CONDSTORE" in session.enabled
        yield from send(status(session, each, with_modseq))
    return "all that will be told"


def _accumulated(session: Session, wanted: Wanted) -> Dialogue[None]:
    """§3.1: what has happened so far in the selected mailbox is told, whatever will be."""
    watch(session, Wanted(items=wanted.items) if wanted.items else EVERYTHING, others=False)
    with suppress(Failed):  # then it is told later
        yield from news.refresh(session, expunges_allowed=True)


NOTIFY = Extension(
    rfc=5465, capability="NOTIFY", commands={"NOTIFY": Command(notify, IN, Tells.NOTHING)}
)
