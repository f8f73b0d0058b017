"""What mailboxes are asked over IMAP: SELECT, STATUS, FETCH, SEARCH, SORT, THREAD.

A name without a size is of a mailbox of 10,000 letters; `--rows '*-100k'` has the largest alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.peers import PASSWORD
from bench.rows.base import Figures, Row, Subject, measured
from bench.rows.boxes import HUNDRED, MIX, TEN, THOUSAND, Box

IMAP = ("dovecot-maildir", "dovecot-mdbox", "cyrus", "posthouse-1")
#: pymap has neither SORT nor THREAD, and takes a minute to look into 10,000 messages.
SMALL = ("dovecot-maildir", "dovecot-mdbox", "cyrus", "pymap", "posthouse-1")
ENVELOPE = "(ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS UID)"
FIELDS = "(BODY.PEEK[HEADER.FIELDS (From To Subject Date Message-ID References)])"
SHORT = 1.0  # seconds that a command is repeated, at least

Measure = Callable[[Subject], Figures]


def servers_of(box: Box) -> tuple[str, ...]:
    """Who is measured with a mailbox."""
    return SMALL if box.letters <= THOUSAND.letters else IMAP


def imap_orders(subject: Subject) -> dict[str, Any]:
    peer = subject.peer
    return {"port": peer.ports["imap"], "users": [peer.reader], "password": PASSWORD}


def asked(action: str, box: Box, **more: Any) -> Measure:
    """A load of `bench.load.imap` on a mailbox that is full."""

    def measure(subject: Subject) -> Figures:
        box.fill(subject)
        return measured(subject, "imap", box.orders(subject, action, seconds=SHORT, **more))

    return measure


def fetch(box: Box, items: str, mark: str, *, change: bool = False) -> Measure:
    """FETCH 1:*; an operation is one message.

    With `change`, a flag of one message is stored before each FETCH, and counted with it: what a
    server has kept of its last answer is no longer the answer.
    """
    return asked("fetch", box, items=items, mark=mark, change=change)


def first(items: str, mark: str) -> Measure:
    """FETCH 1:* of 2,000 letters that have just been appended; an operation is one message."""

    def measure(subject: Subject) -> Figures:
        TEN.fill(subject)
        more = {"items": items, "mark": mark, "letters": 2_000}
        return measured(subject, "imap", TEN.orders(subject, "first") | more)

    return measure


def find(box: Box, commands: Mapping[str, int]) -> Measure:
    """Commands that search, and how many messages each finds."""

    def measure(subject: Subject) -> Figures:
        box.index(subject)
        given = {"commands": list(commands), "found": list(commands.values()), "seconds": SHORT}
        return measured(subject, "imap", box.orders(subject, "find", **given))

    return measure


def grown(box: Box, command: str) -> Measure:
    """A command after a letter has come, which may not be in the index yet."""

    def measure(subject: Subject) -> Figures:
        box.index(subject)
        given = {"commands": [command], "seconds": SHORT}
        return measured(subject, "imap", box.orders(subject, "grown", **given))

    return measure


def status(subject: Subject) -> Figures:
    """STATUS of 100 mailboxes with 3 letters each."""
    TEN.fill(subject)
    orders = TEN.orders(subject, "status", seconds=SHORT) | {"letters": 100}
    return measured(subject, "imap", orders)


def _select_rows() -> tuple[Row, ...]:
    sizes = {"-1k": THOUSAND, "": TEN, "-100k": HUNDRED}
    return tuple(
        Row(f"select{size}", f"SELECT of {box.of}", servers_of(box), asked("select", box))
        for size, box in sizes.items()
    )


def _fetch_rows() -> tuple[Row, ...]:
    """Again and again, so that a server may answer from what it has kept."""
    kinds = {
        "flags": ("(FLAGS)", " FETCH (", {"-1k": THOUSAND, "": TEN, "-100k": HUNDRED}),
        "envelope": (ENVELOPE, "ENVELOPE (", {"": TEN, "-100k": HUNDRED, "-mix": MIX}),
        "fields": (FIELDS, "BODY[HEADER.FIELDS", {"": TEN, "-mix": MIX}),
        "body": ("(BODY.PEEK[])", "BODY[] {", {"": TEN, "-100k": HUNDRED, "-mix": MIX}),
    }
    return tuple(
        Row(
            f"fetch-{kind}{size}",
            f"FETCH {items}, a message of {box.of}",
            servers_of(box),
            fetch(box, items, mark),
        )
        for kind, (items, mark, sizes) in kinds.items()
        for size, box in sizes.items()
    )


def _search_rows() -> tuple[Row, ...]:
    """A letter `no. N` is found by what begins with N, too."""
    rows = []
    for size, box, found in (("", TEN, 11), ("-100k", HUNDRED, 111)):
        texts = {f'SEARCH TEXT "no. {number}"': found for number in range(100, 120)}
        subjects = {f'SEARCH SUBJECT "no. {number}"': found for number in range(100, 120)}
        count = box.letters
        for name, text, commands, goal in (
            ("search-text", f"SEARCH TEXT for what {found} messages have", texts, 1 / 100),
            ("search-subject", f"SEARCH SUBJECT for what {found} messages have", subjects, 1.0),
            ("search-unseen", "SEARCH UNSEEN", {"SEARCH UNSEEN": count}, 1.0),
            ("search-since", "SEARCH SINCE", {"SEARCH SINCE 1-Jan-2020": count}, 1.0),
            ("sort", "SORT (SUBJECT)", {"SORT (SUBJECT) UTF-8 ALL": count}, 1.0),
            ("thread", "THREAD REFERENCES", {"THREAD REFERENCES UTF-8 ALL": count}, 1.0),
        ):
            rows.append(
                Row(f"{name}{size}", f"{text} of {box.of}", IMAP, find(box, commands), goal)
            )
    for name, command in (
        ("sort-grown", "SORT (SUBJECT)"),
        ("thread-grown", "THREAD REFERENCES"),
    ):
        text = f"APPEND of a letter, and {command} of {TEN.of}"
        rows.append(Row(name, text, IMAP, grown(TEN, f"{command} UTF-8 ALL")))
    return tuple(rows)


ROWS = (
    *_select_rows(),
    Row("status", "STATUS of 100 mailboxes, sent at once", IMAP, status),
    *_fetch_rows(),
    Row(
        "fetch-flags-changed",
        "STORE of one message and FETCH (FLAGS), a message of 10,000",
        IMAP,
        fetch(TEN, "(FLAGS)", " FETCH (", change=True),
    ),
    Row(
        "first-envelope",
        f"FETCH {ENVELOPE}, a message of 2,000 just appended",
        IMAP,
        first(ENVELOPE, "ENVELOPE ("),
    ),
    Row(
        "first-fields",
        f"FETCH {FIELDS}, a message of 2,000 just appended",
        IMAP,
        first(FIELDS, "BODY[HEADER.FIELDS"),
    ),
    *_search_rows(),
)
