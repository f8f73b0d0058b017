"""APPEND: a message or several at once, all or none (RFC 3501 §6.3.11, RFC 3502)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .client import expanded
from .letters import Letter
from .mailboxes import Flags, Mailbox, flags
from .steps import some_flags
from .walk import Walk, quoted
from .wire import Answer


@dataclass(frozen=True, slots=True)
class New:
    """A message that is to be appended."""

    letter: Letter
    flags: Flags
    date: int | None
    text: str  # what stands before its literal


def some_new(walk: Walk) -> New:
    given, date, words = some_flags(walk), None, []
    if given or walk.chance.random() < 0.3:
        words.append(f"({' '.join(given)})")
    if walk.chance.random() < 0.8:
        moment = datetime.fromtimestamp(1767225600 + walk.chance.randrange(300_000) * 60, UTC)
        date = int(moment.timestamp())
        words.append(f'"{moment:%d-%b-%Y %H:%M:%S} +0000"')
    return New(walk.letter(), flags(given), date, " ".join(words))


def some(walk: Walk) -> list[New]:
    return [some_new(walk) for _ in range(walk.chance.choice((1, 1, 1, 1, 2, 3, 5)))]


def arguments(messages: Sequence[New]) -> list[str | bytes]:
    """Text and literals."""
    pieces: list[str | bytes] = []
    for new in messages:
        pieces += [new.text, new.letter.octets]
    return pieces


def append(walk: Walk) -> None:
    client, mailbox = walk.client(), walk.mailbox()
    assert client is not None
    messages = some(walk)
    answer = walk.ask(client, f"APPEND {quoted(mailbox.name)}", *arguments(messages))
    first = mailbox.uid_next
    uids = list(range(first, first + len(messages)))
    assert appended_uids(walk, mailbox, answer) == uids, f"{answer.text}, not {uids}"
    for uid, new in zip(uids, messages, strict=True):
        mailbox.add(uid, new.letter, new.flags, new.date)
    client.take(answer)
    walk.look(client)
    if client.mailbox is mailbox:
        assert set(uids) <= set(client.uids), "the client was not told of its own messages"


def appended_uids(walk: Walk, mailbox: Mailbox, answer: Answer) -> list[int]:
    """What APPENDUID says (RFC 4315 §3)."""
    code = answer.code("APPENDUID")
    assert answer.ok, answer.text
    assert code is not None, answer.text
    walk.account.learn_validity(mailbox, int(code[0]))
    return expanded(code[1])


def append_none(walk: Walk) -> None:
    """Where one of the messages cannot be appended, none is; nor to a mailbox that is not there."""
    client, mailbox = walk.client(), walk.mailbox()
    assert client is not None
    messages = some(walk)
    if walk.chance.random() < 0.5:
        answer = walk.ask(client, "APPEND Nowhere", *arguments(messages))
        assert answer.code("TRYCREATE") is not None, answer.text
    else:  # cancelled by an empty one
        start = f"APPEND {quoted(mailbox.name)}"
        answer = walk.ask(client, start, *arguments(messages), "", b"")
        assert answer.status == "NO", answer.text
        counters = mailbox.counters()
        contents = walk.contents(mailbox)
        assert len(contents) == counters["MESSAGES"], f"{mailbox.name}: {contents}"
    client.take(answer)
    walk.look(client)
