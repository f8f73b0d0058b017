"""What the stage tells connections that watch mailboxes (RFC 5465): how two states differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from posthouse.protocols.imap.events import Counts, Mailbox
from posthouse.protocols.imap.mail_events import Declined
from posthouse.protocols.imap.watch_events import (
    Annotated,
    Event,
    Group,
    Named,
    Noticed,
    Overflow,
    Watch,
    Where,
)


class Box(Protocol):
    def counts(self) -> Counts: ...


@dataclass(frozen=True, slots=True)
class State:
    boxes: Mapping[int, tuple[str, Counts, Box]]  # by identity
    subscribed: frozenset[str]
    annotations: Mapping[tuple[str, str], bytes]

    def named(self) -> dict[str, int]:
        return {name: each for each, (name, _, _) in self.boxes.items()}


class Watchers:
    """All connections of a stage; `look` gives the state of its mailboxes."""

    def __init__(self, look: Callable[[], State], most: int) -> None:
        self.look = look
        self.most = most  # mailboxes that may be watched, and change at once
        self.groups: dict[int, tuple[Group, ...]] = {}
        self.seen: dict[int, State] = {}

    def wanted(self, connection: int, name: str, subscribed: frozenset[str]) -> set[Event]:
        def is_meant(group: Group) -> bool:
            below = any(name == each or name.startswith(each + "/") for each in group.names)
            return {
                Where.PERSONAL: True,
                Where.INBOXES: name == "INBOX",
                Where.SUBSCRIBED: name in subscribed,
                Where.MAILBOXES: name in group.names,
                Where.SUBTREE: below,
            }[group.where]

        return {
            event for each in self.groups[connection] if is_meant(each) for event in each.events
        }

    def watch(self, connection: int, question: Watch, selected: str) -> object:
        before = self.groups.get(connection, ())
        self.groups[connection] = question.groups
        now = self.look()
        found = []
        for name, counts, _ in sorted(now.boxes.values(), key=lambda each: each[0]):
            wanted = self.wanted(connection, name, now.subscribed)
            if Event.MESSAGE_NEW in wanted and name != selected:
                found.append(Noticed(name, counts, frozenset(wanted)))
        if len(found) > self.most:
            self.groups[connection] = before
            return Declined("too many mailboxes", "NOTIFICATIONOVERFLOW")
        self.seen[connection] = now
        return tuple(found) if question.status else ()

    def own(self, connection: int) -> None:
        """The connection has changed something itself."""
        if connection in self.groups:
            self.seen[connection] = self.look()

    def noticed(self, connection: int, selected: str) -> object:
        before, now = self.seen[connection], self.look()
        self.seen[connection] = now
        found = [
            *self._names(connection, before, now),
            *self._messages(connection, before, now, selected),
            *self._annotated(connection, before, now),
        ]
        if len(found) > self.most:
            self.groups[connection] = ()
            return Overflow()
        return tuple(found)

    def _names(self, connection: int, before: State, now: State) -> list[Named]:
        both = before.subscribed | now.subscribed
        told: dict[str, str] = {}
        changed = {name for name, each in before.named().items() if each not in now.boxes}
        changed |= {name for name, each in now.named().items() if each not in before.boxes}
        for name in changed:
            if Event.MAILBOX_NAME in self.wanted(connection, name, both):
                told[name] = ""
        moved = {
            name: now.boxes[each][0]
            for name, each in before.named().items()
            if each in now.boxes and now.boxes[each][0] != name
        }
        for old, new in moved.items():
            parent, _, last = old.rpartition("/")
            if moved.get(parent, "") + "/" + last == new:
                continue
            changed |= {new, old}
            events = self.wanted(connection, new, both) | self.wanted(connection, old, both)
            if Event.MAILBOX_NAME in events:
                told[new] = old
        for name in {each.rpartition("/")[0] for each in changed} - {""}:
            if Event.MAILBOX_NAME in self.wanted(connection, name, both):
                told.setdefault(name, "")
        for name in before.subscribed ^ now.subscribed:
            if Event.SUBSCRIPTION_CHANGE in self.wanted(connection, name, both):
                told.setdefault(name, "")
        names = now.named()
        return [
            Named(
                Mailbox(name, name in now.subscribed, name in names),
                any(each.startswith(name + "/") for each in names),
                told[name],
            )
            for name in sorted(told)
        ]

    def _messages(self, connection: int, before: State, now: State, selected: str) -> list[Noticed]:
        found = []
        for each, (name, counts, _) in sorted(now.boxes.items(), key=lambda item: item[1][0]):
            old = before.boxes[each][1] if each in before.boxes else counts
            wanted = self.wanted(connection, name, now.subscribed)
            if old == counts or name == selected or Event.MESSAGE_NEW not in wanted:
                continue
            alone = (old.messages, old.uid_next) == (counts.messages, counts.uid_next)
            if not alone or Event.FLAG_CHANGE in wanted:
                unseen = old.unseen != counts.unseen
                found.append(Noticed(name, counts, frozenset(wanted), alone, unseen))
        return found

    def _annotated(self, connection: int, before: State, now: State) -> list[Annotated]:
        found: dict[str, list[str]] = {}
        for name, entry in sorted({*before.annotations, *now.annotations}):
            if before.annotations.get((name, entry)) == now.annotations.get((name, entry)):
                continue
            events = self.wanted(connection, name, now.subscribed) if name else set()
            every = {event for each in self.groups[connection] for event in each.events}
            if Event.MAILBOX_METADATA_CHANGE in events or (
                not name and Event.SERVER_METADATA_CHANGE in every
            ):
                found.setdefault(name, []).append(entry)
        return [Annotated(name, tuple(entries)) for name, entries in found.items()]
