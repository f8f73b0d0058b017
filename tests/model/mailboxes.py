"""The right state: what the mailboxes of one account must hold, whatever a client was told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from .letters import Letter

Flags = frozenset[str]  # in small letters, without \recent

SEEN, DELETED = "\\seen", "\\deleted"
SYSTEM = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
KEYWORDS = ("$Forwarded", "$Junk", "work", "WORK", "Later")
DEFAULTS = {
    "INBOX": "",
    "Drafts": "\\Drafts",
    "Sent": "\\Sent",
    "Junk": "\\Junk",
    "Trash": "\\Trash",
    "Archive": "\\Archive",
}


def flags(names: Iterable[str]) -> Flags:
    return frozenset([name.lower() for name in names])


def stored(old: Flags, mode: str, given: Flags) -> Flags:
    """RFC 3501 §6.4.6"""
    if mode.startswith("+"):
        return old | given
    return old - given if mode.startswith("-") else given


@dataclass(slots=True, eq=False)
class Message:
    """A message of a mailbox, also after it was expunged."""

    uid: int
    history: list[Flags]  # all flags that it has had; a client may have been told any of them
    letter: Letter | None = None
    date: int | None = None  # of a message that came without one it is learnt
    alive: bool = True
    learnt: dict[str, object] = field(default_factory=dict)  # what must be the same every time

    @property
    def flags(self) -> Flags:
        return self.history[-1]

    @flags.setter
    def flags(self, new: Flags) -> None:
        if new != self.history[-1]:
            self.history.append(new)

    @property
    def kept(self) -> dict[str, object]:
        """What a copy has of what was learnt; only when it came is its own."""
        return {item: value for item, value in self.learnt.items() if item != "SAVEDATE"}

    def same(self, item: str, value: object) -> None:
        """What was told once is told again."""
        first = self.learnt.setdefault(item, value)
        assert first == value, f"UID {self.uid}: {item} was {first!r} and is {value!r}"


@dataclass(slots=True, eq=False)
class Mailbox:
    """A mailbox, under the name that it has now."""

    name: str
    special_use: str = ""
    uid_validity: int | None = None  # learnt at the first look
    uid_next: int = 1
    messages: dict[int, Message] = field(default_factory=dict)  # those expunged too
    exists: bool = True
    recent: set[int] = field(default_factory=set)  # UIDs that no session was told of
    annotations: dict[str, bytes] = field(default_factory=dict)
    claims_known: bool = True  # not after a worker died, with what it had claimed or told

    def add(self, uid: int, letter: Letter | None, its_flags: Flags, date: int | None) -> Message:
        """A new message."""
        assert uid == self.uid_next, f"{self.name}: UID {uid}, not {self.uid_next}"
        return self.place(uid, letter, its_flags, date)

    def place(self, uid: int, letter: Letter | None, its_flags: Flags, date: int | None) -> Message:
        """A new message, of which the UID is its turn's only when all others are known."""
        assert uid not in self.messages, f"{self.name}: UID {uid} is given a second time"
        message = Message(uid, [its_flags], letter, date)
        self.messages[uid] = message
        self.uid_next = max(self.uid_next, uid + 1)
        self.recent.add(uid)
        return message

    @property
    def alive(self) -> list[Message]:
        """By sequence number."""
        return [self.messages[uid] for uid in sorted(self.messages) if self.messages[uid].alive]

    def expunge(self, uids: Iterable[int] | None = None) -> None:
        """What is \\Deleted, of these or of all."""
        for uid in self.messages if uids is None else uids:
            message = self.messages.get(uid)
            if message is not None and DELETED in message.flags:
                message.alive = False

    def counters(self) -> dict[str, int]:
        """STATUS, but UIDVALIDITY (RFC 3501 §6.3.10)."""
        alive = self.alive
        sizes = [len(each.letter.octets) if each.letter else None for each in alive]
        recent = sum(1 for message in alive if message.uid in self.recent)
        return {
            **({"RECENT": recent} if self.claims_known else {}),
            **({"SIZE": sum(filter(None, sizes))} if None not in sizes else {}),
            "MESSAGES": len(alive),
            "DELETED": sum(1 for message in alive if DELETED in message.flags),
            "UIDNEXT": self.uid_next,
            "UNSEEN": sum(1 for message in alive if SEEN not in message.flags),
        }


class Account:
    """All mailboxes, by name."""

    def __init__(self) -> None:
        self.mailboxes = {name: Mailbox(name, use) for name, use in DEFAULTS.items()}
        self.subscribed = set(DEFAULTS)
        self.validities: dict[str, int] = {}  # the last one seen under a name
        self.letters = count(1)

    def learn_validity(self, mailbox: Mailbox, value: int) -> None:
        """UIDVALIDITY never changes, and is larger in each mailbox that bears a name anew."""
        if mailbox.uid_validity is None:
            before = self.validities.get(mailbox.name, 0)
            assert value > before, f"UIDVALIDITY of {mailbox.name}: {value} after {before}"
            mailbox.uid_validity = value
        assert value == mailbox.uid_validity, f"{mailbox.name}: UIDVALIDITY {value}"
        self.validities[mailbox.name] = value

    def above(self, name: str) -> list[str]:
        levels = name.split("/")
        return ["/".join(levels[:depth]) for depth in range(1, len(levels))]

    def create(self, name: str) -> None:
        for each in [*self.above(name), name]:
            self.mailboxes.setdefault(each, Mailbox(each))

    def delete(self, name: str) -> None:
        mailbox = self.mailboxes.pop(name)
        mailbox.exists = False
        for message in mailbox.messages.values():
            message.alive = False

    def rename(self, old: str, new: str) -> None:
        """RFC 3501 §6.3.5"""
        for each in self.above(new):
            self.mailboxes.setdefault(each, Mailbox(each))
        if old == "INBOX":
            self._move_inbox(new)
            return
        moved = [name for name in self.mailboxes if name == old or name.startswith(old + "/")]
        for mailbox in [self.mailboxes.pop(name) for name in moved]:
            mailbox.name = new + mailbox.name[len(old) :]
            mailbox.uid_validity = None  # it may have another, as a mailbox had the name before
            self.mailboxes[mailbox.name] = mailbox

    def _move_inbox(self, new: str) -> None:
        inbox = self.mailboxes["INBOX"]
        target = self.mailboxes[new] = Mailbox(new)
        for message in inbox.alive:
            copy = target.add(target.uid_next, message.letter, message.flags, message.date)
            copy.learnt = message.kept
            message.alive = False

    def listed(self) -> dict[str, set[str]]:
        """Names with attributes, as LIST gives them."""
        names = set(self.mailboxes)
        parents = {above for name in names for above in self.above(name)}
        found = {}
        for name in names | parents:
            what = {"\\HasChildren" if name in parents else "\\HasNoChildren"}
            mailbox = self.mailboxes.get(name)
            if mailbox is None:
                what |= {"\\Noselect", "\\NonExistent"}
            elif mailbox.special_use:
                what.add(mailbox.special_use)
            found[name] = what
        return found
