"""What a mailbox of 10,000 letters is asked over IMAP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.ours import Posthouse
from bench.peers import PASSWORD
from bench.rows.base import OURS, Figures, Load, Row, Subject, measured

IMAP = ("dovecot-maildir", "dovecot-mdbox", *OURS)
LETTERS = 10_000  # in the mailbox that is fetched from
ENVELOPE = "(ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS UID)"
FIELDS = "(BODY.PEEK[HEADER.FIELDS (From To Subject Date Message-ID References)])"


def imap_orders(subject: Subject) -> dict[str, Any]:
    peer = subject.peer
    return {"port": peer.ports["imap"], "users": [peer.reader], "password": PASSWORD}


def fetch(items: str, mark: str, *, change: bool = False) -> Callable[[Subject], Figures]:
    """FETCH 1:* of a mailbox of 10,000 letters; an operation is one message.

    With `change`, a flag of one message is stored before each FETCH, and counted with it: what a
    server has kept of its last answer is no longer the answer.
    """

    def measure(subject: Subject) -> Figures:
        if not subject.filled:
            fill(subject)
        orders = imap_orders(subject) | {
            "action": "fetch",
            "letters": subject.filled,
            "items": items,
            "mark": mark,
            "change": change,
        }
        return measured(subject, "imap", orders)

    return measure


def find(commands: Mapping[str, int]) -> Callable[[Subject], Figures]:
    """Commands that search the mailbox of 10,000, and how many messages each finds."""

    def measure(subject: Subject) -> Figures:
        if not subject.filled:
            fill(subject)
        if isinstance(subject.peer, Posthouse) and not subject.indexed:
            subject.peer.server.run("search", "rebuild")
            subject.indexed = True
        orders = imap_orders(subject) | {
            "action": "find",
            "commands": list(commands),
            "found": list(commands.values()),
        }
        return measured(subject, "imap", orders)

    return measure


def fill(subject: Subject) -> None:
    """Put the letters into the mailbox that is fetched from."""
    load = Load("imap", imap_orders(subject) | {"action": "fill", "letters": LETTERS})
    load.run()
    load.end()
    subject.filled = LETTERS


ROWS = (
    Row(
        "fetch-flags",
        "FETCH (FLAGS), a message of 10,000",
        IMAP,
        fetch("(FLAGS)", " FETCH ("),
    ),
    Row(
        "fetch-flags-changed",
        "STORE of one message and FETCH (FLAGS), a message of 10,000",
        IMAP,
        fetch("(FLAGS)", " FETCH (", change=True),
    ),
    Row(
        "fetch-envelope",
        f"FETCH {ENVELOPE}, a message of 10,000",
        IMAP,
        fetch(ENVELOPE, "ENVELOPE ("),
    ),
    Row(
        "fetch-fields",
        f"FETCH {FIELDS}, a message of 10,000",
        IMAP,
        fetch(FIELDS, "BODY[HEADER.FIELDS"),
    ),
    Row(
        "fetch-body",
        "FETCH (BODY.PEEK[]), a message of 10,000 of 4 kB",
        IMAP,
        fetch("(BODY.PEEK[])", "BODY[] {"),
    ),
    Row(
        "search-text",
        "SEARCH TEXT for what 11 or 56 of 10,000 messages have",
        IMAP,
        find(
            {f'SEARCH TEXT "no. {number}"': 11 for number in range(100, 120)}
            | {'SEARCH TEXT "candle, no. 7"': 56}
        ),
        goal=1 / 100,
    ),
    Row(
        "search-subject",
        "SEARCH SUBJECT for what 11 of 10,000 messages have",
        IMAP,
        find({f'SEARCH SUBJECT "no. {number}"': 11 for number in range(100, 120)}),
    ),
    Row("search-unseen", "SEARCH UNSEEN of 10,000", IMAP, find({"SEARCH UNSEEN": LETTERS})),
    Row("search-since", "SEARCH SINCE of 10,000", IMAP, find({"SEARCH SINCE 1-Jan-2020": LETTERS})),
    Row("sort", "SORT (SUBJECT) of 10,000", IMAP, find({"SORT (SUBJECT) UTF-8 ALL": LETTERS})),
    Row(
        "thread",
        "THREAD REFERENCES of 10,000",
        IMAP,
        find({"THREAD REFERENCES UTF-8 ALL": LETTERS}),
    ),
)
