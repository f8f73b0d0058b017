"""The steps of a walk about mailboxes, sessions and what comes by other ways than IMAP."""

from __future__ import annotations

import poplib
import time
from collections.abc import Callable

from tests.system.user import letter as plain_letter

from .client import Client
from .mailboxes import SEEN, SYSTEM, Mailbox, flags
from .walk import Told, Walk, quoted
from .wire import PATIENCE, Line

NAMES = (
    "Work",
    "Work/2026",
    "Work/2026/May",
    "Lists",
    "Lists/a b",
    "Entw&APw-rfe",
    "Old",
    "Old/Work",
)
ITEMS = ("MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE")

# SELECT


def select(walk: Walk) -> None:
    client = walk.client()
    assert client is not None
    enter(walk, client, walk.mailbox(), walk.chance.random() < 0.25)


def enter(walk: Walk, client: Client, mailbox: Mailbox, read_only: bool) -> None:
    """SELECT or EXAMINE, and all that is said of the mailbox (RFC 3501 §6.3.1)."""
    answer = walk.ask(client, f"{'EXAMINE' if read_only else 'SELECT'} {quoted(mailbox.name)}")
    assert answer.ok, answer.text
    assert answer.code("READ-ONLY" if read_only else "READ-WRITE") is not None, answer.text
    client.select(mailbox, read_only)
    client.take(answer)
    counters, alive = mailbox.counters(), mailbox.alive
    told = codes(answer.lines)
    walk.account.learn_validity(mailbox, int(told["UIDVALIDITY"]))
    assert len(client.known) == counters["MESSAGES"], f"{len(client.known)} messages"
    assert client.recent_told == counters.get("RECENT", client.recent_told), counters
    assert int(told["UIDNEXT"]) == mailbox.uid_next, f"UIDNEXT {told['UIDNEXT']}"
    unseen = [at for at, message in enumerate(alive, 1) if SEEN not in message.flags]
    assert int(told.get("UNSEEN", 0)) == (unseen[0] if unseen else 0), told
    permanent = flags(told["PERMANENTFLAGS"].strip("()").split())
    assert permanent == frozenset() if read_only else {"\\*", *flags(SYSTEM)} <= permanent
    walk.look(client)
    client.check_up_to_date()
    if not read_only:
        mailbox.recent, mailbox.claims_known = set(), True  # all of it is claimed now
    elif mailbox.claims_known:
        recent = {message.uid for message in alive} & mailbox.recent
        assert client.recent == recent, f"\\Recent: {client.recent}, not {recent}"


def codes(lines: list[Line]) -> dict[str, str]:
    """The response codes of untagged OK responses."""
    found = {}
    for line in lines:
        if line.text.startswith("* OK ["):
            name, _, value = line.text[6:].partition("]")[0].partition(" ")
            found[name] = value
    return found


def select_nothing(walk: Walk) -> None:
    """A failing SELECT leaves the mailbox that was selected."""
    client = walk.client()
    assert client is not None
    answer = walk.ask(client, "SELECT Nowhere")
    assert answer.status == "NO", answer.text
    client.select(None)
    client.take(answer)


def reconnect(walk: Walk) -> None:
    client = walk.client()
    assert client is not None
    walk.reconnect(client)
    enter(walk, client, walk.mailbox(), walk.chance.random() < 0.2)


# What one is told of others


def synchronise(walk: Walk) -> None:
    client = walk.client()
    assert client is not None
    walk.synchronise(client)


def look_at_all(walk: Walk) -> None:
    """Everything that FETCH can tell of the flags, after NOOP."""
    client = walk.with_messages()
    if client is None:
        return
    walk.synchronise(client)
    if not client.known:
        return
    answer = walk.ask(client, "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)")
    client.take(answer)
    assert set(client.fetched) == {message.uid for message in client.selected.alive}
    client.check_up_to_date()


def idle(walk: Walk) -> None:
    """What one client does, another that idles is told of at once (RFC 2177)."""
    client = walk.client(lambda each: each.mailbox is not None and each.mailbox.exists)
    if client is None:
        return
    other = walk.client(lambda each: each is not client and each.mailbox is client.mailbox)
    other = other or walk.client(lambda each: each is not client)
    assert other is not None
    client.wire.send("IDLE")
    take_until(client, lambda: False)
    told: Told = []
    for _ in range(walk.chance.randrange(1, 4)):
        told += _disturb(walk, other, client.selected)
        take_until(client, client.news_is_complete)
        client.check_up_to_date()
    client.wire.write(b"DONE\r\n")
    answer = client.wire.answer()
    assert answer.ok, answer.text
    client.take(answer)
    walk.share_recent([*told, *walk.look_only(client)])
    client.check_up_to_date()


def take_until(client: Client, complete: Callable[[], bool], command: str = "IDLE") -> None:
    """Untagged lines of IDLE until it goes ahead, and then until the news is complete."""
    while not complete():
        line = client.wire.read()
        if line.text.startswith("+ "):
            return
        client.take_line(line, command, {})


def _disturb(walk: Walk, other: Client, mailbox: Mailbox) -> Told:
    """Change something of this mailbox through another client."""
    kind = walk.chance.random()
    alive = mailbox.alive
    if kind < 0.4 or not alive or other.mailbox is not mailbox or other.read_only:
        letter = walk.letter()
        given = walk.chance.choice(("", "\\Seen", "\\Deleted $Junk"))
        answer = walk.ask(other, f"APPEND {quoted(mailbox.name)} ({given})", letter.octets)
        assert answer.ok, answer.text
        mailbox.add(mailbox.uid_next, letter, flags(given.split()), None)
    elif kind < 0.7 and other.uids:
        uid = walk.chance.choice(other.uids)
        answer = walk.ask(other, f"UID STORE {uid} +FLAGS (\\Flagged $Junk)")
        message = mailbox.messages[uid]
        if message.alive:
            message.flags = message.flags | {"\\flagged", "$junk"}
    else:
        answer = walk.ask(other, "EXPUNGE")
        mailbox.expunge()
    assert answer.ok, answer.text
    other.take(answer)
    return walk.look_only(other)


def settle_watchers(walk: Walk) -> None:
    walk.settle_watchers()


def notify(walk: Walk) -> None:
    """The same with NOTIFY, without any command, and with the flags of new messages (RFC 5465)."""
    mailbox = walk.mailbox()
    other = walk.client(lambda each: each.mailbox is mailbox) or walk.client()
    assert other is not None
    client = walk.join()
    try:
        delayed = walk.chance.random() < 0.4
        enter(walk, client, mailbox, read_only=True)
        where = "selected-delayed" if delayed else "selected"
        events = "MessageNew (UID FLAGS) MessageExpunge FlagChange"
        answer = walk.quiet(client, f"NOTIFY SET ({where} ({events}))")
        assert answer.ok, answer.text
        told: Told = []
        for _ in range(walk.chance.randrange(1, 5)):
            told += _disturb(walk, other, mailbox)
            if not delayed:
                take_until(client, lambda: client.news_is_complete(identified=True), "NOTIFY")
        walk.share_recent(told)
        answer = walk.ask(client, f"UID FETCH {mailbox.uid_next}:* (FLAGS)" if delayed else "NOOP")
        unasked = [line.text for line in answer.lines if line.text.endswith(" EXPUNGE")]
        client.take(answer)
        assert delayed or not unasked, f"told too late: {unasked}"
        client.take(walk.ask(client, "NOOP"))
        client.check_up_to_date()
        assert client.news_is_complete(identified=True), "a new message was told of by EXISTS alone"
    finally:
        client.wire.close()


def status(walk: Walk) -> None:
    client, mailbox = walk.client(), walk.mailbox()
    assert client is not None
    asked = walk.chance.sample(ITEMS, walk.chance.randint(1, 5))
    answer = walk.ask(client, f"STATUS {quoted(mailbox.name)} ({' '.join(asked)})")
    assert answer.ok, answer.text
    (line,) = [line for line in answer.lines if line.text.startswith("* STATUS")]
    *_, counters = line.values(2)
    assert isinstance(counters, list)
    told = dict(zip(map(str, counters[::2]), map(int, map(str, counters[1::2])), strict=True))
    assert set(told) == set(asked), told
    if "UIDVALIDITY" in told:
        walk.account.learn_validity(mailbox, told.pop("UIDVALIDITY"))
    right = mailbox.counters()
    known = {item: value for item, value in told.items() if item in right}
    assert known == {item: right[item] for item in known}, f"{mailbox.name}: {told}, not {right}"
    client.take(answer)
    walk.look(client)


# The list of mailboxes


def create(walk: Walk) -> None:
    client, name = walk.client(), walk.chance.choice(NAMES)
    assert client is not None
    answer = walk.quiet(client, f"CREATE {quoted(name)}")
    if name in walk.account.mailboxes:
        assert answer.status == "NO", answer.text
    else:
        assert answer.ok, answer.text
        walk.account.create(name)


def delete(walk: Walk) -> None:
    client, name = walk.client(), walk.chance.choice((*NAMES, "INBOX"))
    assert client is not None
    answer = walk.ask(client, f"DELETE {quoted(name)}")
    if name == "INBOX" or name not in walk.account.mailboxes:
        assert answer.status == "NO", answer.text
    else:
        assert answer.ok, answer.text
        walk.account.delete(name)
    client.take(answer)
    walk.look(client)
    for each in walk.clients:
        if each.mailbox is not None and not each.mailbox.exists:
            leave_deleted(walk, each)


def leave_deleted(walk: Walk, client: Client) -> None:
    """The mailbox of a session was deleted: numbers do not lie, and then nothing is in it."""
    if client.known and walk.chance.random() < 0.5:
        client.take(walk.ask(client, "FETCH 1:* (UID FLAGS BODY.PEEK[HEADER])"))
    if client.known and walk.chance.random() < 0.5:
        client.take(walk.ask(client, "UID STORE 1:* +FLAGS (\\Flagged)"))
    answer = walk.ask(client, "NOOP")
    assert answer.ok, answer.text
    client.take(answer)
    assert not client.known, f"{client.name} was not told that {client.selected.name} is gone"
    enter(walk, client, walk.mailbox(), False)


def rename(walk: Walk) -> None:
    client = walk.client()
    assert client is not None
    old = walk.chance.choice((*NAMES, "INBOX") if walk.chance.random() < 0.3 else NAMES)
    new = walk.chance.choice(NAMES)
    account = walk.account
    exists = old in account.listed()
    leaving = {name for name in account.mailboxes if name == old or name.startswith(old + "/")}
    targets = {new + name[len(old) :] for name in leaving}
    possible = (
        exists and old != new and new not in account.mailboxes and not new.startswith(old + "/")
    )
    if old != "INBOX":
        possible = possible and not targets & (account.mailboxes.keys() - leaving)
    answer = walk.ask(client, f"RENAME {quoted(old)} {quoted(new)}")
    if possible:
        assert answer.ok, answer.text
        account.rename(old, new)
    else:
        assert answer.status == "NO", answer.text
    client.take(answer)
    walk.look(client)


def subscribe(walk: Walk) -> None:
    client, name = walk.client(), walk.chance.choice((*NAMES, "INBOX", "Gone"))
    assert client is not None
    if walk.chance.random() < 0.6:
        assert walk.quiet(client, f"SUBSCRIBE {quoted(name)}").ok
        walk.account.subscribed.add(name)
    else:
        assert walk.quiet(client, f"UNSUBSCRIBE {quoted(name)}").ok
        walk.account.subscribed.discard(name)


def list_all(walk: Walk) -> None:
    client = walk.client()
    assert client is not None
    kind = walk.chance.choice(("LIST", "LSUB"))
    answer = walk.quiet(client, f'{kind} "" "*"')
    told = {}
    for line in answer.lines:
        if line.text.startswith(f"* {kind} "):
            attributes, _, name = line.values(2)
            assert isinstance(attributes, list)
            text = name.decode() if isinstance(name, bytes) else str(name)
            assert text not in told, f"{text} is told twice"
            told[text] = set(map(str, attributes))
    if kind == "LIST":
        assert told == walk.account.listed(), told
    else:
        assert set(told) == walk.account.subscribed, told


# Other ways to the INBOX


def pop3(walk: Walk) -> None:
    """A POP3 session that reads and deletes."""
    inbox = walk.account.mailboxes["INBOX"]
    alive = inbox.alive
    client = walk.user.pop3()
    uids = [int(entry.rpartition(b".")[2]) for entry in client.uidl()[1]]
    assert uids == [message.uid for message in alive], f"UIDL {uids}"
    doomed = walk.chance.sample(range(len(alive)), min(len(alive), walk.chance.randrange(4)))
    for at in doomed:
        letter = alive[at].letter
        if letter is not None:
            content = b"".join(line + b"\r\n" for line in client.retr(at + 1)[1])
            assert content == letter.octets, f"RETR of UID {uids[at]}"
        client.dele(at + 1)
    if walk.chance.random() < 0.2:  # no QUIT: nothing is deleted (RFC 1939 §6)
        client.close()
        _await_unlocked(walk)
        return
    client.quit()
    for at in doomed:
        alive[at].alive = False


def _await_unlocked(walk: Walk) -> None:
    """Until the server has noticed that the other session is gone."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            walk.user.pop3().quit()
            return
        except poplib.error_proto:
            assert time.monotonic() < deadline, "the maildrop stays locked"


def deliver(walk: Walk) -> None:
    """A letter by SMTP; it has arrived when UIDNEXT says so."""
    inbox = walk.account.mailboxes["INBOX"]
    client = walk.client()
    assert client is not None
    message = plain_letter(f"no. {next(walk.account.letters)}", walk.user.address)
    with walk.user.smtp() as smtp:
        smtp.send_message(message, walk.user.address, [walk.user.address])
    deadline = time.monotonic() + PATIENCE
    expected = f"UIDNEXT {inbox.uid_next + 1}"
    while True:
        answer = walk.ask(client, "STATUS INBOX (UIDNEXT)")
        arrived = any(expected in line.text for line in answer.lines)
        if arrived:
            inbox.add(inbox.uid_next, None, frozenset(), None)
        client.take(answer)
        if arrived:
            break
        assert time.monotonic() < deadline, "the letter does not arrive"
    walk.look(client)
