"""Steps of extensions that tell more of mailboxes and messages, or less at a time."""

from __future__ import annotations

import re

from . import keys
from .client import expanded
from .mailboxes import Mailbox, Message
from .steps import check_found
from .walk import Walk, quoted
from .wire import Answer

ENTRIES = ("/private/comment", "/private/vendor/walk", "/shared/comment")
MOST_SHOWN = 7  # messages of a part of a result

# PARTIAL (RFC 9394)


def _some_part(walk: Walk) -> tuple[int, int]:
    first, last = sorted((walk.chance.randint(1, MOST_SHOWN), walk.chance.randint(1, MOST_SHOWN)))
    return (first, last) if walk.chance.random() < 0.5 else (-first, -last)


def _part_of(numbers: list[int], part: tuple[int, int]) -> list[int]:
    first, last = abs(part[0]), abs(part[1])
    if part[0] > 0:
        return numbers[first - 1 : last]
    return numbers[::-1][first - 1 : last][::-1]


def search_partially(walk: Walk) -> None:
    """A part of what the same search finds as a whole (§3.1)."""
    client = walk.client(lambda each: each.mailbox is not None and each.mailbox.exists)
    if client is None:
        return
    walk.synchronise(client)
    key = keys.some(walk.chance, len(client.known), client.uids)
    since = {known: known.since for known in client.known}
    client.found = None
    client.take(walk.ask(client, f"UID SEARCH RETURN () {key.text}"))
    walk.look(client)
    check_found(client, "UID ", key, since)
    whole: list[int] = sorted(client.found or ())
    part = _some_part(walk)
    wanted = f"{part[0]}:{part[1]}"
    answer = walk.ask(client, f"UID SEARCH RETURN (PARTIAL {wanted} COUNT) {key.text}")
    assert answer.ok, answer.text
    (said,) = [line.text for line in answer.lines if line.text.startswith("* ESEARCH ")]
    answer.lines = [line for line in answer.lines if line.text != said]
    client.take(answer)
    walk.look(client)
    words = said.replace("(", " ").replace(")", " ").split()
    assert words[words.index("PARTIAL") + 1] == wanted, said
    told = words[words.index("PARTIAL") + 2]
    assert int(words[words.index("COUNT") + 1]) == len(whole), f"{said}, not {len(whole)}"
    found = [] if told == "NIL" else expanded(told)
    assert found == _part_of(whole, part), f"{said}, of {whole}"


def fetch_partially(walk: Walk) -> None:
    """The first or the last messages of a set (§3.3)."""
    client = walk.with_messages()
    if client is None:
        return
    walk.synchronise(client)
    part = _some_part(walk)
    answer = walk.ask(client, f"UID FETCH 1:* (FLAGS) (PARTIAL {part[0]}:{part[1]})")
    assert answer.ok, answer.text
    client.take(answer)
    walk.look(client)
    right = _part_of(client.uids, part)
    told = [line.text for line in answer.lines if " FETCH " in line.text]
    assert len(told) == len(right), f"{told}, not {right}"
    assert all(f"(UID {uid} " in text for uid, text in zip(right, told, strict=True)), told


# METADATA (RFC 5464)


def metadata(walk: Walk) -> None:
    """Annotations are those that were set last, and go with their mailbox."""
    client, mailbox = walk.client(), walk.mailbox()
    assert client is not None
    entry = walk.chance.choice(ENTRIES)
    if walk.chance.random() < 0.5:
        value = walk.chance.choice(("", "short", "of two\r\nlines"))
        if walk.chance.random() < 0.3:
            answer = walk.quiet(client, f"SETMETADATA {quoted(mailbox.name)} ({entry} NIL)")
            mailbox.annotations.pop(entry, None)
        else:
            start = f"SETMETADATA {quoted(mailbox.name)} ({entry}"
            answer = walk.ask(client, start, value.encode(), ")")
            client.take(answer)
            walk.look(client)
            mailbox.annotations[entry] = value.encode()
        assert answer.ok, answer.text
    answer = walk.ask(client, f"GETMETADATA {quoted(mailbox.name)} ({' '.join(ENTRIES)})")
    assert answer.ok, answer.text
    _check_annotations(answer, mailbox)
    answer.lines = [line for line in answer.lines if not line.text.startswith("* METADATA ")]
    client.take(answer)
    walk.look(client)


def _check_annotations(answer: Answer, mailbox: Mailbox) -> None:
    told = {}
    for line in answer.lines:
        if line.text.startswith("* METADATA "):
            _, values = line.values(2)
            assert isinstance(values, list)
            told.update(dict(zip(map(str, values[::2]), values[1::2], strict=True)))
    found = {entry: value for entry, value in told.items() if value is not None}
    assert found == mailbox.annotations, f"{mailbox.name}: {found}, not {mailbox.annotations}"


# QUOTA (RFC 9208)


def quota(walk: Walk) -> None:
    """What the account keeps is the sum of its messages."""
    client = walk.client()
    assert client is not None
    answer = walk.ask(client, f"GETQUOTAROOT {quoted(walk.mailbox().name)}")
    assert answer.ok, answer.text
    said = [line for line in answer.lines if line.text.startswith("* QUOTA")]
    answer.lines = [line for line in answer.lines if line not in said]
    client.take(answer)
    walk.look(client)
    _, used = said
    octets = sum(
        _size(walk, mailbox, message)
        for mailbox in walk.account.mailboxes.values()
        for message in mailbox.alive
    )
    right = f'* QUOTA "" (STORAGE {-(-octets // 1024)} '
    assert used.text.startswith(right), f"{used.text}, not {right}"


def _size(walk: Walk, mailbox: Mailbox, message: Message) -> int:
    if message.letter is not None:
        return len(message.letter.octets)
    if "RFC822.SIZE" not in message.learnt:
        command = f"UID FETCH {message.uid} (RFC822.SIZE)"
        (line,) = walk.ask(walk.observe(mailbox), command).lines
        told = re.search(r"RFC822\.SIZE (\d+)", line.text)
        assert told is not None, line.text
        message.same("RFC822.SIZE", int(told[1]))
    size = message.learnt["RFC822.SIZE"]
    assert isinstance(size, int)
    return size


# LIST (RFC 5258, RFC 5819, RFC 6154)


def list_extended(walk: Walk) -> None:
    client = walk.client()
    assert client is not None
    account = walk.account
    listed = account.listed()
    everything = {
        name: listed.get(name, {"\\NonExistent", "\\Noselect", "\\HasNoChildren"})
        | ({"\\Subscribed"} if name in account.subscribed else set())
        for name in {*listed, *account.subscribed}
    }
    kind = walk.chance.choice(("all", "subscribed", "special", "some", "status"))
    returns = "RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)"
    match kind:
        case "all":
            command, names = f'LIST "" "*" {returns}', set(listed)
        case "subscribed":
            command, names = f'LIST (SUBSCRIBED) "" "*" {returns}', account.subscribed
        case "special":
            command = f'LIST (SPECIAL-USE) "" "*" {returns}'
            names = {name for name, each in account.mailboxes.items() if each.special_use}
        case "some":
            command = f'LIST "" ("INBOX" "Work/%" "%o%") {returns}'
            names = {name for name in listed if _is_some(name)}
        case _:
            command = f'LIST "" "*" {returns[:-1]} STATUS (MESSAGES UNSEEN))'
            names = set(listed)
    answer = walk.ask(client, command)
    assert answer.ok, answer.text
    told = {}
    for line in answer.lines:
        if line.text.startswith("* LIST "):
            attributes, _, name, *_ = line.values(2)
            assert isinstance(attributes, list)
            text = name.decode() if isinstance(name, bytes) else str(name)
            assert text not in told, f"{text} is told twice"
            told[text] = set(map(str, attributes))
    assert told == {name: everything[name] for name in names}, f"{command}: {told}"
    if kind == "status":
        _check_status(walk, answer)
    client.take(answer)
    walk.look(client)


def _is_some(name: str) -> bool:
    levels = name.split("/")
    return name == "INBOX" or (
        ("o" in name) if len(levels) == 1 else len(levels) == 2 and levels[0] == "Work"
    )


def _check_status(walk: Walk, answer: Answer) -> None:
    told = {}
    for line in answer.lines:
        if line.text.startswith("* STATUS "):
            name, values = line.values(2)
            assert isinstance(values, list)
            text = name.decode() if isinstance(name, bytes) else str(name)
            told[text] = dict(
                zip(map(str, values[::2]), map(int, map(str, values[1::2])), strict=True)
            )
    right = {
        name: {item: mailbox.counters()[item] for item in ("MESSAGES", "UNSEEN")}
        for name, mailbox in walk.account.mailboxes.items()
    }
    assert told == right, f"STATUS {told}, not {right}"
