"""Letters put into mailboxes over LMTP; a reply says that its mailbox has the letter."""

from __future__ import annotations

from typing import Any

from bench.rows.base import OURS, Figures, Load, Row, Subject, measured
from bench.rows.smtp import KEPT, MANY, ONE, ONE_20, PIPELINED, REALISTIC, WARM, Measure, Sending

SERVERS = ("dovecot-maildir", "dovecot-mdbox", "cyrus", *OURS)
THIRD = {"dovecot-maildir": 1 / 3, "dovecot-mdbox": 1 / 3}


def file(sending: Sending) -> Measure:
    """Letters answered when they are in all mailboxes."""

    def orders(subject: Subject, letters: int) -> dict[str, Any]:
        subject.arrived += letters * sending.to
        return sending.orders(subject, letters, "lmtp")

    def measure(subject: Subject) -> Figures:
        warm = Load("smtp", orders(subject, WARM))
        warm.run()
        warm.end()
        return measured(subject, "smtp", orders(subject, sending.letters))

    return measure


ROWS = (
    Row("lmtp-one", "LMTP, 4 kB, one letter a connection, 1 at a time", SERVERS, file(ONE), THIRD),
    Row(
        "lmtp-one-20",
        "LMTP, 4 kB, one letter a connection, 20 at a time",
        SERVERS,
        file(ONE_20),
        THIRD,
    ),
    Row(
        "lmtp-kept",
        "LMTP, 4 kB, 20 connections kept, 100 letters each",
        SERVERS,
        file(KEPT),
        THIRD,
    ),
    Row(
        "lmtp-pipelined",
        "LMTP, 4 kB, 20 connections kept, MAIL, RCPT and DATA in one segment",
        SERVERS,
        file(PIPELINED),
        THIRD,
    ),
    Row(
        "lmtp-realistic",
        "LMTP, the realistic mix, 10 connections, 10 letters each",
        SERVERS,
        file(REALISTIC),
        THIRD,
    ),
    Row(
        "lmtp-rcpt10",
        "LMTP, 4 kB to 10 recipients, 10 connections, 10 letters each",
        SERVERS,
        file(MANY),
        THIRD,
    ),
)
