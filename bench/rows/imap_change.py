"""What changes mailboxes over IMAP, and whole sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.peers import PASSWORD
from bench.peers.readers import NEWCOMERS
from bench.rows.base import OURS, Figures, Row, Subject, measured
from bench.rows.boxes import HUNDRED, TEN, THOUSAND, Box
from bench.rows.imap import IMAP, Measure, servers_of

PEERS = ("dovecot-maildir", "dovecot-mdbox", "cyrus")
AT_ONCE = 20  # newcomers in one round
STORED = 40_000  # messages whose flags are set in a round, at least: a few commands of 1,000 are
# less work than what a server does beside in that time


def change(action: str, box: Box = TEN, letters: int = 1_000, **more: Any) -> Measure:
    """A load of `bench.load.imap_change` on a mailbox that is full."""

    def measure(subject: Subject) -> Figures:
        box.fill(subject)
        orders = box.orders(subject, action, **more) | {"letters": letters}
        return measured(subject, "imap_change", orders)

    return measure


def session(action: str, box: Box = THOUSAND, **more: Any) -> Measure:
    """A load of `bench.load.imap_session`."""

    def measure(subject: Subject) -> Figures:
        box.fill(subject)
        return measured(subject, "imap_session", box.orders(subject, action, **more))

    return measure


def newcomers(subject: Subject) -> Figures:
    """Log-ins of accounts that never did so before, and SELECT of what is empty."""
    users: Sequence[str] = NEWCOMERS[subject.newcomers : subject.newcomers + AT_ONCE]
    subject.newcomers = (subject.newcomers + AT_ONCE) % len(NEWCOMERS)
    orders = {
        "action": "login",
        "port": subject.peer.ports["imap"],
        "users": list(users),
        "password": PASSWORD,
        "sessions": len(users),
    }
    return measured(subject, "imap_session", orders)


def _store_rows() -> tuple[Row, ...]:
    rows = []
    for size, box in (("-1k", THOUSAND), ("", TEN), ("-100k", HUNDRED)):
        for kind, silent, most in (("", False, 0.0025), ("-silent", True, 0.0012)):
            repeats = max(4, STORED // box.letters)
            measure = change("store", box, box.letters, silent=silent, repeats=repeats)
            command = "STORE FLAGS.SILENT" if silent else "STORE FLAGS"
            text = f"{command}, a message of {box.of}"
            servers = IMAP if silent else servers_of(box)
            rows.append(Row(f"store{kind}{size}", text, servers, measure, {}, most))
    return tuple(rows)


ROWS = (
    Row(
        "login",
        "LOGIN, SELECT of 1,000 messages, LOGOUT, 10 at a time; all have logged in before",
        (*PEERS, "pymap", *OURS),
        session("login"),
    ),
    Row(
        "login-cold",
        "the same of accounts that log in for the first time, 10 at a time",
        (*PEERS, *OURS),
        newcomers,
        {},
    ),
    Row("mixed", "a session of 20 commands, 10 at a time", (*PEERS, *OURS), session("mixed")),
    *_store_rows(),
    Row("copy", "COPY of 1,000 messages, each", IMAP, change("copy")),
    Row("move", "MOVE of 1,000 messages, each", IMAP, change("move")),
    Row("expunge", "UID EXPUNGE of 1,000 messages, each", IMAP, change("expunge")),
    Row("append", "APPEND of 4 kB, 1 connection", (*PEERS, *OURS), change("append", letters=300)),
    Row(
        "append-10",
        "APPEND of 4 kB, 10 connections",
        (*PEERS, *OURS),
        change("append", letters=1_000, connections=10),
    ),
    Row("resync", "SELECT with QRESYNC after 1,000 changes in 10,000", IMAP, change("resync")),
)
