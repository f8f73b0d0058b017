"""QUIT: the end of the session, and the only way into the UPDATE state (RFC 1939 §4, §6)."""

from __future__ import annotations

from ...dialogue import Dialogue, Failed, ask
from ..events import Update
from ..reply import error, ok
from ..session import Session, State, no_argument


def quit_(session: Session, argument: str) -> Dialogue[None]:
    """Delete what is marked, release the maildrop, and only then say so."""
    no_argument(argument)
    session.over = True
    if session.state is State.TRANSACTION:
        session.state = State.UPDATE
        try:
            done = yield from ask(Update(tuple(sorted(leaving(session)))), bool)
        except Failed:
            done = False
        if not done:
            yield from error(session, "some deleted messages not removed", "SYS/TEMP")
            return
    yield from ok(session, "{hostname} POP3 server signing off", hostname=session.hostname)


def leaving(session: Session) -> set[int]:
    """The messages to delete; EXPIRE 0 adds all that were retrieved (RFC 2449 §6.7)."""
    kept = session.policy.expire != 0
    return session.deleted if kept else session.deleted | session.retrieved
