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
            done = yield from ask(Update(tuple(sorted(session.deleted))), bool)
        except Failed:
            done = False
        if not done:
            yield from error("some deleted messages not removed", "SYS/TEMP")
            return
    yield from ok(f"{session.hostname} POP3 server signing off")
