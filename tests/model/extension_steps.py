"""Steps of extensions that join two commands of RFC 3501 in one: SORT and REPLACE."""

from __future__ import annotations

from collections.abc import Callable

from . import keys
from .client import Client
from .letters import Letter
from .mailboxes import Message, flags
from .steps import CROWDED, check_found, some_flags
from .walk import Walk, quoted
from .wire import Answer

Worth = tuple[float, str]  # numbers or strings, and the other part is empty

#: What is known only of messages that were appended here.
OF_LETTERS: dict[str, Callable[[Letter], Worth]] = {
    "SIZE": lambda letter: (len(letter.octets), ""),
    "DATE": lambda letter: (letter.sent.timestamp(), ""),
    "SUBJECT": lambda letter: (0, letter.base),
    "FROM": lambda letter: (0, letter.sender.upper()),
    "TO": lambda _: (0, "READER"),
    "CC": lambda _: (0, ""),
    "DISPLAYFROM": lambda letter: (0, letter.shown.upper()),
    "DISPLAYTO": lambda _: (0, "READER@LOCALHOST"),
}
CRITERIA = ("ARRIVAL", *OF_LETTERS)


def _worth(name: str, message: Message) -> Worth | None:
    if name == "ARRIVAL":
        return None if message.date is None else (message.date, "")
    return OF_LETTERS[name](message.letter) if message.letter else None


def sort(walk: Walk) -> None:
    """What SEARCH would find, in an order; equal messages as they lie (RFC 5256 §3)."""
    client = walk.client(lambda each: each.mailbox is not None and each.mailbox.exists)
    if client is None:
        return
    key = keys.some(walk.chance, len(client.known), client.uids)
    uid = walk.chance.choice(("", "UID "))
    criteria = [
        (name, walk.chance.random() < 0.4)
        for name in walk.chance.sample(CRITERIA, walk.chance.choice((1, 1, 2, 3)))
    ]
    since = {known: known.since for known in client.known}
    text = " ".join(f"REVERSE {name}" if reverse else name for name, reverse in criteria)
    client.found = None
    answer = walk.ask(client, f"{uid}SORT ({text}) UTF-8 {key.text}")
    assert answer.ok, answer.text
    client.take(answer)
    walk.look(client)
    check_found(client, uid, key, since)
    _check_order(client, uid, criteria)


def _check_order(client: Client, uid: str, criteria: list[tuple[str, bool]]) -> None:
    places: dict[int, tuple[list[Worth], int]] = {}
    for number, known in enumerate(client.searched, 1):
        if known.message is not None:
            worths = [each for name, _ in criteria if (each := _worth(name, known.message))]
            if len(worths) == len(criteria):
                places[known.message.uid if uid else number] = worths, number
    found = [places[named] for named in client.found or () if named in places]
    right = sorted(found, key=lambda place: place[1])
    for at, (_, reverse) in reversed([*enumerate(criteria)]):
        right.sort(key=lambda place: place[0][at], reverse=reverse)
    assert found == right, f"{client.found} by {criteria}: {found}"


def replace(walk: Walk) -> None:
    """A new message comes, here or elsewhere, and an old one goes (RFC 8508 §3)."""
    client, target = walk.with_messages(), walk.mailbox()
    if client is None or len(target.alive) > CROWDED:
        return
    number = walk.chance.randint(1, len(client.known))
    message = client.known[number - 1].message
    if message is None:
        return
    uid, named = walk.chance.choice((("", number), ("UID ", message.uid)))
    letter, given = walk.letter(), some_flags(walk)
    command = f"{uid}REPLACE {named} {quoted(target.name)} ({' '.join(given)})"
    answer = walk.ask(client, command, letter.octets)
    if client.read_only or not message.alive:
        assert answer.status == "NO", answer.text
    else:
        validity, new = _appended(answer)
        walk.account.learn_validity(target, validity)
        assert new == target.uid_next, f"APPENDUID {new}, not {target.uid_next}"
        target.add(new, letter, flags(given), None)
        message.alive = False
    client.take(answer)
    walk.look(client)
    if answer.ok:
        assert message.uid not in client.uids, "the client was not told that it is gone"
        assert client.mailbox is not target or new in client.uids, "nor of its own message"


def _appended(answer: Answer) -> tuple[int, int]:
    """What the untagged code says, before the old message goes (RFC 8508 §3.3)."""
    assert answer.ok, answer.text
    said = [line.text for line in answer.lines if line.text.startswith("* OK [APPENDUID ")]
    assert len(said) == 1, said
    validity, uid = said[0].removeprefix("* OK [APPENDUID ").partition("]")[0].split()
    return int(validity), int(uid)
