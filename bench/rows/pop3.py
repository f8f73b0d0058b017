"""POP3 sessions on mailboxes of 100 letters."""

from __future__ import annotations

from bench.peers import PASSWORD
from bench.peers.readers import POP3_READERS
from bench.rows.base import OURS, Figures, Row, Subject, measured
from bench.rows.boxes import Box
from bench.rows.imap import Measure

SERVERS = ("dovecot-maildir", "dovecot-mdbox", "cyrus", *OURS)
LETTERS = 100


def session(action: str, sessions: int) -> Measure:
    """Sessions of five readers at a time."""

    def measure(subject: Subject) -> Figures:
        for user in POP3_READERS:
            Box(user, LETTERS).fill(subject)
        orders = {
            "action": action,
            "port": subject.peer.ports["pop3"],
            "users": list(POP3_READERS),
            "password": PASSWORD,
            "letters": LETTERS,
            "sessions": sessions,
        }
        return measured(subject, "pop3", orders)

    return measure


ROWS: tuple[Row, ...] = (
    Row("pop3-login", "USER, PASS, STAT, UIDL, QUIT", SERVERS, session("login", 200)),
    Row("pop3-retr", "the same and RETR of 100 letters", SERVERS, session("retr", 50)),
    Row("pop3-pipelined", "the same, sent at once", SERVERS, session("pipelined", 50)),
)
