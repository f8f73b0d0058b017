"""Commands of several clients at once: each order of them that may have been is right.

All are sent before anything is read. What a message may have become is found by playing the
commands in every order that keeps each client's own; what it did become is then looked at through
one more connection, and all that the clients were told is judged by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

from . import appending, keys
from .appending import New
from .client import Client, Known, expanded
from .mailbox_steps import enter
from .mailboxes import DELETED, SEEN, Flags, Mailbox, Message, flags, stored
from .steps import CROWDED, check_found, some_flags, some_items, some_messages
from .walk import Told, Walk, quoted
from .wire import Answer

MOST = 5  # commands at once: 5! orders at most


@dataclass(slots=True, eq=False)
class Sent:
    """A command that was sent, what it does to which messages, and what came back."""

    client: Client
    mailbox: Mailbox  # the one that was selected then
    kind: str
    text: str
    by_number: bool = False
    named: list[Message] = field(default_factory=list)
    mode: str = ""  # of STORE
    given: Flags = frozenset()
    silent: bool = False
    sees: bool = False
    lengths: dict[str, int] = field(default_factory=dict)
    target: Mailbox | None = None
    new: list[New] = field(default_factory=list)
    adopted: list[New] = field(default_factory=list)  # of those of which nothing was answered
    key: keys.Key | None = None
    entered: Mailbox | None = None
    answer: Answer = field(default_factory=lambda: Answer(""))
    found: list[int] | None = None
    searched: list[Known] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        return not self.client.read_only or self.kind in ("APPEND", "COPY")

    def apply(self, mailbox: Mailbox, message: Message, state: Flags) -> Flags | None:
        """The flags of a message of a mailbox after this command; None: it is expunged."""
        if self.mailbox is not mailbox or self.client.read_only:
            return state
        if self.kind == "EXPUNGE":
            return None if DELETED in state else state
        if message not in self.named:
            return state
        match self.kind:
            case "STORE":
                return stored(state, self.mode, self.given)
            case "FETCH":
                return state | {SEEN} if self.sees else state
            case "UID EXPUNGE":
                return None if DELETED in state else state
        return state


@dataclass(slots=True)
class Fate:
    """What may have become of a message."""

    visited: set[Flags] = field(default_factory=set)
    final: set[Flags | None] = field(default_factory=set)

    @property
    def may_be_gone(self) -> bool:
        return None in self.final


# What is sent


def some_command(walk: Walk, client: Client, first: bool) -> Sent:
    """A command; only the first of a client may use numbers, which it may change."""
    mailbox = client.selected
    kinds = ("STORE", "STORE", "FETCH", "EXPUNGE", "UID EXPUNGE", "APPEND", "COPY", "SEARCH")
    kind = walk.chance.choice((*kinds, "NOOP")) if client.known else "APPEND"
    if kind == "APPEND":
        return _append(walk, client)
    if kind in ("EXPUNGE", "NOOP"):
        return Sent(client, mailbox, kind, kind)
    if kind == "SEARCH":
        key = keys.some(walk.chance, len(client.known), client.uids)
        return Sent(client, mailbox, kind, f"UID SEARCH {key.text}", key=key)
    uid, text, named = some_messages(walk, client, stay=True)
    if kind == "UID EXPUNGE" or not first:
        uid, text = "UID ", ",".join(str(message.uid) for message in named) or "1"
    sent = Sent(client, mailbox, kind, "", not uid, named)
    if kind == "STORE":
        sent.mode = walk.chance.choice(("FLAGS", "+FLAGS", "-FLAGS"))
        given, sent.silent = some_flags(walk), walk.chance.random() < 0.3
        sent.given = flags(given)
        silent = ".SILENT" if sent.silent else ""
        sent.text = f"{uid}STORE {text} {sent.mode}{silent} ({' '.join(given)})"
    elif kind == "FETCH":
        items, sent.sees = some_items(walk, sent.lengths)
        sent.text = f"{uid}FETCH {text} ({' '.join(items)})"
    elif kind == "COPY":
        sent.target = walk.mailbox()
        if len(sent.target.alive) > CROWDED:
            return Sent(client, mailbox, "NOOP", "NOOP")
        sent.text = f"{uid}COPY {text} {quoted(sent.target.name)}"
    else:
        sent.text = f"UID EXPUNGE {text}"
    return sent


def _append(walk: Walk, client: Client) -> Sent:
    target = client.selected if walk.chance.random() < 0.7 else walk.mailbox()
    text = f"APPEND {quoted(target.name)}"
    new = appending.some(walk)
    return Sent(client, client.selected, "APPEND", text, target=target, new=new)


def _select(walk: Walk, client: Client) -> Sent:
    mailbox = client.selected if walk.chance.random() < 0.5 else walk.mailbox()
    text = f"SELECT {quoted(mailbox.name)}"
    return Sent(client, client.selected, "SELECT", text, entered=mailbox)


def gather(walk: Walk) -> list[Client]:
    """Some clients, most of them in one mailbox, which know all of it."""
    mailbox = walk.mailbox()
    clients = walk.chance.sample(walk.clients, min(len(walk.clients), walk.chance.randint(2, 4)))
    for client in clients:
        if client.mailbox is None or walk.chance.random() < 0.6:
            if client.mailbox is not mailbox:
                enter(walk, client, mailbox, walk.chance.random() < 0.15)
            elif walk.chance.random() < 0.5:
                walk.synchronise(client)
    return clients


def burst(walk: Walk) -> None:
    """The step."""
    sent = send(walk)
    receive(walk, sent)
    judge(walk, sent)


def send(walk: Walk) -> list[Sent]:
    sent: list[Sent] = []
    for client in gather(walk):
        for at in range(walk.chance.choice((1, 1, 2))):
            if len(sent) < MOST:
                sent.append(some_command(walk, client, at == 0))
        if client.mailbox is not None and len(sent) < MOST and walk.chance.random() < 0.15:
            sent.append(_select(walk, client))
    for each in sent:
        each.client.wire.send(each.text, *appending.arguments(each.new))
    return sent


def receive(walk: Walk, sent: list[Sent]) -> None:
    for each in sent:
        each.answer = each.client.wire.answer()
        walk.count.lines += len(each.answer.lines)
        assert "[SERVERBUG]" not in each.answer.text, f"{each.text}: {each.answer.text}"


# What may be


def orders(sent: list[Sent]) -> Iterator[list[Sent]]:
    """Every order that keeps each client's own; without an answer a command may not have been."""
    unanswered = [each for each in sent if not each.answer.status]
    for count in range(len(unanswered) + 1):
        for dropped in combinations(unanswered, count):
            yield from _interleaved([each for each in sent if each not in dropped])


def _interleaved(sent: list[Sent]) -> Iterator[list[Sent]]:
    if not sent:
        yield []
        return
    for client in dict.fromkeys(each.client for each in sent):
        first = next(each for each in sent if each.client is client)
        for rest in _interleaved([each for each in sent if each is not first]):
            yield [first, *rest]


def fate(
    mailbox: Mailbox,
    message: Message,
    beginnings: Iterable[Flags],
    sequences: list[list[Sent]],
    made_by: Sent | None = None,
) -> Fate:
    """Play the commands on one message; those after the one that made it, if one of them did."""
    found = Fate()
    for beginning in beginnings:
        for sequence in sequences:
            state: Flags | None = beginning
            start = sequence.index(made_by) + 1 if made_by is not None else 0
            for each in sequence[start:]:
                assert state is not None
                found.visited.add(state)
                state = each.apply(mailbox, message, state)
                if state is None:
                    break
            else:
                assert state is not None
                found.visited.add(state)
            found.final.add(state)
    return found


# What was


def judge(walk: Walk, sent: list[Sent], connected: bool = True) -> None:
    """Find out what has become of all messages, then look at what each client was told."""
    sequences = list(orders([each for each in sent if each.changes]))
    touched = dict.fromkeys([each.mailbox for each in sent])
    touched |= dict.fromkeys([each.entered for each in sent if each.entered])
    fates: dict[Message, Fate] = {}
    for mailbox in touched:
        for message in mailbox.alive:
            fates[message] = fate(mailbox, message, [message.flags], sequences)
    new: dict[Mailbox, list[int]] = {}
    for each in sent:
        _file(walk, each, fates, sequences, new)
    wanted = [each for each in sent if each.target and not each.answer.status]
    targets = [each.target for each in wanted if each.target]
    for mailbox in dict.fromkeys([*touched, *new, *targets]):
        contents = walk.contents(mailbox)
        for uid in sorted(contents.keys() - mailbox.messages.keys()):
            _adopt(walk, mailbox, uid, contents[uid], wanted)
            new.setdefault(mailbox, []).append(uid)
        complete = mailbox not in targets
        _settle(mailbox, fates, contents, new.get(mailbox, []), complete)
    for each in wanted:
        _check_whole(each)
    searched_since = {known: known.since for each in sent for known in each.client.known}
    _take(sent, fates)
    if connected:
        _synchronise(walk, sent)
        left = {each.client for each in sent if each.entered}
        for each in sent:
            if each.key is not None and each.client not in left:
                each.client.found, each.client.searched = each.found, each.searched
                check_found(each.client, "UID ", each.key, searched_since)


def _take(sent: list[Sent], fates: dict[Message, Fate]) -> None:
    """Look at what each client was told."""
    for each in sent:
        client = each.client
        client.at_once = True
        if each.silent and each.changes:
            client.silently(each.named, each.mode, each.given)
        if each.entered and each.answer.ok:
            if not client.read_only:  # what it has claimed in the other mailbox, nobody will see
                each.mailbox.claims_known = False
            client.select(each.entered)
        client.found = None
        client.take(each.answer, each.lengths)
        each.found, each.searched = client.found, client.searched
        _check_answer(each, fates)


def _synchronise(walk: Walk, sent: list[Sent]) -> None:
    """After NOOP all know the same, and each new message was \\Recent for one of them."""
    told: Told = []
    for client in dict.fromkeys(each.client for each in sent):
        client.take(walk.ask(client, "NOOP"))
        told += walk.look_only(client)
        client.check_up_to_date()
        client.at_once = False
    walk.share_recent(told)


def _check_answer(each: Sent, fates: dict[Message, Fate]) -> None:
    status, text = each.answer.status, each.answer.text
    if each.client.read_only and each.kind in ("STORE", "EXPUNGE", "UID EXPUNGE"):
        assert status in ("NO", ""), f"{each.text}: {text}"
        return
    if status == "NO":
        gone = [message for message in each.named if _may_be_gone(message, fates)]
        assert each.by_number, f"{each.text}: {text}"
        assert gone, f"{each.text}: {text}"
        assert "[EXPUNGEISSUED]" in text, f"{each.text}: {text}"
        return
    assert status in ("OK", ""), f"{each.text}: {text}"
    if status and each.kind in ("FETCH", "STORE") and not each.silent:
        told = each.client.fetched
        missing = [
            message.uid
            for message in each.named
            if message.uid not in told and not _may_be_gone(message, fates)
        ]
        assert not missing, f"{each.text}: nothing was told of {missing}"


def _may_be_gone(message: Message, fates: dict[Message, Fate]) -> bool:
    return message not in fates or fates[message].may_be_gone


def _file(
    walk: Walk,
    each: Sent,
    fates: dict[Message, Fate],
    sequences: list[list[Sent]],
    new: dict[Mailbox, list[int]],
) -> None:
    """The messages that an APPEND or a COPY has made."""
    target = each.target
    if target is None or not each.answer.ok:
        return
    if each.new:
        uids = appending.appended_uids(walk, target, each.answer)
        assert uids == list(range(uids[0], uids[0] + len(each.new))), each.answer.text
        for uid, its in zip(uids, each.new, strict=True):
            made = target.place(uid, its.letter, its.flags, its.date)
            fates[made] = fate(target, made, {its.flags}, sequences, each)
    else:
        code = each.answer.code("COPYUID")
        if code is None:
            present = [m.uid for m in each.named if not _may_be_gone(m, fates)]
            assert not present, f"{each.text}: {present} were not copied"
            return
        walk.account.learn_validity(target, int(code[0]))
        uids, sources = expanded(code[2]), _sources(each, expanded(code[1]), fates)
        for uid, source in zip(uids, sources, strict=True):
            beginnings = fates[source].visited if source in fates else {source.flags}
            made = target.place(uid, source.letter, source.flags, source.date)
            made.learnt = source.kept
            fates[made] = fate(target, made, beginnings, sequences, each)
    new.setdefault(target, []).extend(uids)


def _sources(each: Sent, uids: list[int], fates: dict[Message, Fate]) -> list[Message]:
    """What COPYUID says was copied: what was named, all that was certainly there."""
    named = {message.uid: message for message in each.named}
    assert uids == sorted(set(uids) & set(named)), f"{each.text}: {each.answer.text}"
    missing = [m for uid, m in named.items() if uid not in uids]
    assert not each.by_number or not missing, f"{each.text}: not all were copied"
    assert all(_may_be_gone(m, fates) for m in missing), f"{each.text}: {each.answer.text}"
    return [named[uid] for uid in uids]


def _adopt(walk: Walk, mailbox: Mailbox, uid: int, its_flags: Flags, wanted: list[Sent]) -> None:
    """A message that was made by a command without an answer: whole, and once."""
    number = walk.header(mailbox, uid)["X-Number"]
    for each in wanted:
        if each.target is not mailbox:
            continue
        for new in each.new:
            if number == str(new.letter.number):
                assert new not in each.adopted, f"{mailbox.name}: UID {uid} for a second time"
                each.adopted.append(new)
                mailbox.place(uid, new.letter, its_flags, new.date)
                return
        for source in each.named:
            letter = source.letter
            if number == (str(letter.number) if letter else None):
                each.named.remove(source)
                mailbox.place(uid, letter, its_flags, None)
                return
    raise AssertionError(f"{mailbox.name}: nobody has made UID {uid}, {number}")


def _check_whole(each: Sent) -> None:
    """All messages of an APPEND or none, but those that another command may have expunged."""
    lost = [new for new in each.new if new not in each.adopted and DELETED not in new.flags]
    assert not each.adopted or not lost, f"{each.text}: only {each.adopted} of {each.new}"


def _settle(
    mailbox: Mailbox,
    fates: dict[Message, Fate],
    contents: dict[int, Flags],
    new: list[int],
    complete: bool,
) -> None:
    """The model becomes what the mailbox is, if it may have become so."""
    if new and complete:  # else a message may have been made and expunged, and nobody told
        first = mailbox.uid_next - len(new)
        assert sorted(new) == list(range(first, mailbox.uid_next)), (
            f"{mailbox.name}: the new UIDs are {sorted(new)}, not from {first} on"
        )
    for message in mailbox.alive:
        found = fates.get(message) or Fate({message.flags}, {message.flags})
        now = contents.pop(message.uid, None)
        message.history += [state for state in found.visited if state != now]
        if now is not None:
            message.history.append(now)
        message.alive = now is not None
        assert now in found.final, (
            f"{mailbox.name}: UID {message.uid} is {now and sorted(now)}, "
            f"and may be {[each and sorted(each) for each in found.final]}"
        )
    assert not contents, f"{mailbox.name}: nobody has made {contents}"
