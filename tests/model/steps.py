"""The steps of a walk about messages: a command, the model's turn, and what must be said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import keys
from .client import Client, Known, expanded
from .letters import SECTIONS
from .mailboxes import DELETED, KEYWORDS, SEEN, SYSTEM, Mailbox, Message, flags, stored
from .walk import Walk, quoted
from .wire import Answer

SAVE = "RETURN (SAVE) "
CROWDED = 60  # messages in a mailbox: enough
PLAIN = (
    "FLAGS", "UID", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE", "BODY",
    "EMAILID", "THREADID", "SAVEDATE", "PREVIEW", "BINARY.PEEK[1]", "BINARY[1]", "BINARY.SIZE[1]",
)  # fmt: skip


def some_numbers(walk: Walk, client: Client, stay: bool = False) -> tuple[str, set[int]]:
    """A sequence set, and the numbers in it; empty when all messages turn out to be gone.

    Which number "*" stands for is known only after NOOP: a command may begin with news.
    """
    up_to_date = not stay and walk.chance.random() < 0.2
    if up_to_date:
        walk.synchronise(client)
    last = len(client.known)
    text, numbers = [], set[int]()
    for _ in range(walk.chance.choice((1, 1, 1, 2, 3)) if last else 0):
        first, other = walk.chance.randint(1, last), walk.chance.randint(1, last)
        kind = walk.chance.random()
        if kind < 0.45:
            text.append(str(first))
            numbers.add(first)
        elif kind < 0.55 and up_to_date:
            text.append(f"{first}:*")
            numbers |= set(range(first, last + 1))
        elif kind < 0.6 and up_to_date:
            text.append("*")
            numbers.add(last)
        else:
            text.append(f"{first}:{other}")
            numbers |= set(range(min(first, other), max(first, other) + 1))
    return ",".join(text), numbers


def some_messages(walk: Walk, client: Client, stay: bool = False) -> tuple[str, str, list[Message]]:
    """By number or by UID: "" or "UID ", the set, and the messages it names."""
    if walk.chance.random() < 0.5:
        text, numbers = some_numbers(walk, client, stay)
        return "", text, client.messages(numbers)
    uids = client.uids
    text_of_uids, named = [], set[int]()
    for _ in range(walk.chance.choice((1, 1, 2, 3))):
        first, other = walk.chance.randint(1, uids[-1]), walk.chance.choice(uids)
        low, high = min(first, other), max(first, other)
        if walk.chance.random() < 0.5:
            low = high = other
        text_of_uids.append(str(low) if low == high else f"{low}:{high}")
        named |= {uid for uid in uids if low <= uid <= high}
    found = [known.message for known in client.known]
    return (
        "UID ",
        ",".join(text_of_uids),
        [message for message in found if message is not None and message.uid in named],
    )


def some_flags(walk: Walk) -> list[str]:
    chosen = walk.chance.sample((*SYSTEM, *KEYWORDS), walk.chance.choice((0, 1, 1, 1, 2, 3)))
    return chosen if walk.chance.random() < 0.8 else [*chosen, "\\Deleted"]


# STORE


def store(walk: Walk) -> None:
    client = walk.with_messages()
    if client is None:
        return
    uid, text, named = some_messages(walk, client)
    if not text:
        return
    mode, given = walk.chance.choice(("FLAGS", "+FLAGS", "+FLAGS", "-FLAGS")), some_flags(walk)
    silent = walk.chance.random() < 0.3
    command = f"{uid}STORE {text} {mode}{'.SILENT' if silent else ''} ({' '.join(given)})"
    answer = walk.ask(client, command)
    if client.read_only:
        assert answer.status == "NO", "the mailbox is read-only"
    else:
        for message in named:
            if message.alive:
                message.flags = stored(message.flags, mode, flags(given))
        if silent:
            client.silently(named, mode, flags(given))
        check_status(answer, uid, named)
    client.take(answer)
    if not silent and not client.read_only:
        told = {number for number, items in client.fetched.items() if "FLAGS" in items}
        missing = {message.uid for message in named if message.alive} - told
        assert not missing, f"the flags of UIDs {missing} were not told"
    walk.look(client)


def check_status(answer: Answer, uid: str, named: Sequence[Message]) -> None:
    """OK, or NO where some were expunged and the command named them by number (RFC 2180 §4)."""
    if answer.status == "NO" and not uid and not all(message.alive for message in named):
        assert "[EXPUNGEISSUED]" in answer.text, answer.text
        return
    assert answer.ok, f"{answer.status} {answer.text}"


# FETCH


def fetch(walk: Walk) -> None:
    client = walk.with_messages()
    if client is None:
        return
    uid, text, named = some_messages(walk, client)
    if not text:
        return
    lengths: dict[str, int] = {}
    items, sees = some_items(walk, lengths)
    answer = walk.ask(client, f"{uid}FETCH {text} ({' '.join(items)})")
    check_status(answer, uid, named)
    if sees and not client.read_only:
        for message in named:
            if message.alive:
                message.flags = message.flags | {SEEN}
    client.take(answer, lengths)
    asked = {item.replace(".PEEK", "").partition("<")[0] for item in items}
    for message in named:
        told = {item.partition("<")[0] for item in client.fetched.get(message.uid, ())}
        if message.alive:
            assert asked <= told, f"UID {message.uid}: {asked - told} was not told"
    walk.look(client)


def some_items(walk: Walk, lengths: dict[str, int]) -> tuple[list[str], bool]:
    """Data items, and whether they set \\Seen; how long the partial ones are, in `lengths`."""
    chance = walk.chance
    items = chance.sample(PLAIN, chance.randrange(4))
    sees = "BINARY[1]" in items
    for section in chance.sample(SECTIONS, chance.choice((0, 0, 1, 1, 2))):
        peek = chance.random() < 0.7
        item = f"BODY{'.PEEK' if peek else ''}[{section}]"
        if chance.random() < 0.3:
            lengths[section] = chance.choice((1, 10, 1000, 100_000))
            item += f"<{chance.choice((0, 0, 7, 500, 90_000))}.{lengths[section]}>"
        items.append(item)
        sees = sees or not peek
    if not items or chance.random() < 0.1:
        old = chance.choice(("RFC822", "RFC822.HEADER", "RFC822.TEXT"))
        items.append(old)
        sees = sees or old != "RFC822.HEADER"
    return items, sees


# SEARCH


def search(walk: Walk) -> None:
    client = walk.client(lambda each: each.mailbox is not None and each.mailbox.exists)
    if client is None:
        return
    key = keys.some(walk.chance, len(client.known), client.uids)
    uid = walk.chance.choice(("", "UID "))
    since = {known: known.since for known in client.known}
    returns = walk.chance.choice(("", "", "RETURN () ", "RETURN (MIN ALL MAX COUNT) ", SAVE))
    client.found = None
    answer = walk.ask(client, f"{uid}SEARCH {returns}{key.text}")
    assert answer.ok, answer.text
    client.take(answer)
    if returns == SAVE:  # RFC 5182
        assert client.found is None, "an answer, where nothing was asked for"
        uid = "UID "
        answer = walk.ask(client, "UID SEARCH $")
        client.take(answer)
    walk.look(client)
    check_found(client, uid, key, since)


def check_found(client: Client, uid: str, key: keys.Key, since: dict[Known, int]) -> None:
    """Each message is found, or not, as its flags were at some time since they were told."""
    assert client.found is not None, "no SEARCH response"
    numbers = set(client.found)
    assert len(numbers) == len(client.found), "a number twice"
    gone = {each.uid for each in client.selected.messages.values() if not each.alive}
    for number, each in enumerate(client.searched, 1):
        message = each.message
        if message is None:  # new, and gone before its UID was told
            numbers -= {number} if not uid else gone
            continue
        named = message.uid if uid else number
        found = named in numbers
        numbers.discard(named)
        if not message.alive or message.letter is None or message.date is None:
            continue
        recent = message.uid in client.recent
        outcomes = {
            key.matches(keys.Subject(number, message, state, recent))
            for state in message.history[since.get(each, 0) :]
        }
        assert found in outcomes, (
            f"{uid}{key.text}: UID {message.uid} with {sorted(message.flags)} and number {number}"
            f" is {'' if found else 'not '}found"
        )
    assert not numbers, f"{numbers} were not known"


# COPY and MOVE


def copy(walk: Walk) -> None:
    client, target = walk.with_messages(), walk.mailbox()
    if client is None or len(target.alive) > CROWDED:
        return
    uid, text, named = some_messages(walk, client)
    if not text:
        return
    answer = walk.ask(client, f"{uid}COPY {text} {quoted(target.name)}")
    alive = [message for message in named if message.alive]
    if answer.ok:
        if not uid:
            assert alive == named, "OK, but some were expunged, and are not copied"
        copied(walk, target, answer, alive)
    else:
        assert not uid, answer.text
        assert alive != named, answer.text
    client.take(answer)
    walk.look(client)


def copied(walk: Walk, target: Mailbox, answer: Answer, messages: list[Message]) -> None:
    """COPYUID, and the copies (RFC 4315 §3)."""
    code = answer.code("COPYUID")
    if not messages:
        assert code is None, answer.text
        return
    assert code is not None, answer.text
    walk.account.learn_validity(target, int(code[0]))
    assert expanded(code[1]) == [message.uid for message in messages], answer.text
    copies = expanded(code[2])
    assert copies == list(range(target.uid_next, target.uid_next + len(messages))), answer.text
    for copy_uid, message in zip(copies, messages, strict=True):
        made = target.add(copy_uid, message.letter, message.flags, message.date)
        made.learnt = message.kept


def move(walk: Walk) -> None:
    """To another mailbox, or to the end of the same (RFC 6851)."""
    client, target = walk.with_messages(), walk.mailbox()
    if client is None or len(target.alive) > CROWDED:
        return
    uid, text, named = some_messages(walk, client)
    if not text:
        return
    answer = walk.ask(client, f"{uid}MOVE {text} {quoted(target.name)}")
    alive = [message for message in named if message.alive]
    if client.read_only:
        assert answer.status == "NO", answer.text
    elif answer.ok:
        if not uid:
            assert alive == named, "OK, but some were expunged, and are not moved"
        copied(walk, target, _with_copyuid(answer), alive)
        for message in alive:
            message.alive = False
    else:
        assert not uid, answer.text
        assert alive != named, answer.text
    client.take(answer)
    walk.look(client)
    if answer.ok:
        left = [each for each in client.known if each.message in alive]
        assert not left, "the client was not told that they are gone"


def _with_copyuid(answer: Answer) -> Answer:
    """The same with the code in the tagged response, as that of COPY has it."""
    said = [line.text for line in answer.lines if line.text.startswith("* OK [COPYUID")]
    assert len(said) < 2, said
    return Answer(answer.command, [], "OK", said[0].removeprefix("* OK ") if said else "")


# EXPUNGE and CLOSE


def expunge(walk: Walk) -> None:
    client = walk.with_messages()
    if client is None:
        return
    uids = None
    if walk.chance.random() < 0.5:
        answer = walk.ask(client, "EXPUNGE")
    else:
        uids = [message.uid for message in some_messages(walk, client)[2]]
        if not uids:
            return
        answer = walk.ask(client, f"UID EXPUNGE {','.join(map(str, uids))}")
    if client.read_only:
        assert answer.status == "NO", "the mailbox is read-only"
    else:
        assert answer.ok, answer.text
        client.selected.expunge(uids)
    client.take(answer)
    walk.look(client)
    if not client.read_only and uids is None:
        left = [each for each in client.known if each.message and not each.message.alive]
        assert not left, f"EXPUNGE did not tell of {[each.message for each in left]}"


def close(walk: Walk) -> None:
    client = walk.client(lambda each: each.mailbox is not None)
    if client is None:
        return
    command = walk.chance.choice(("CLOSE", "UNSELECT"))
    mailbox, read_only = client.selected, client.read_only
    answer = walk.ask(client, command)
    assert answer.ok, answer.text
    assert not [line for line in answer.lines if re.search(r" (EXPUNGE|FETCH)\b", line.text)]
    client.select(None)
    if command == "CLOSE" and not read_only:
        mailbox.expunge()


def mark_deleted(walk: Walk) -> None:
    """So that mailboxes do not grow without end."""
    client = walk.with_messages(writable=True)
    if client is None or len(client.known) < CROWDED // 2:
        return
    text, numbers = some_numbers(walk, client)
    if not text:
        return
    answer = walk.ask(client, f"STORE {text} +FLAGS.SILENT (\\Deleted)")
    named = client.messages(numbers)
    for message in named:
        if message.alive:
            message.flags = message.flags | {DELETED}
    client.silently(named, "+FLAGS", flags(["\\Deleted"]))
    check_status(answer, "", named)
    client.take(answer)
    walk.look(client)
