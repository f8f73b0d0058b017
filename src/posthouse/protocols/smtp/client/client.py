"""The client side of SMTP (RFC 5321): one connection, any number of letters.

    Session(settings) -> connect(session) -> Engine

The agent is asked for letters (`NextLetter`) once the session is open (`Ready`), for the content
of each in blocks (`NextBlock`), and is shown an `Outcome` for each. A session that comes to
nothing is shown as `Unusable`. When the connection is lost the dialogue can show no more:
`session.lost()` then says what that means.
"""

from __future__ import annotations

from ...dialogue import Dialogue, Failed, Interrupted, Reason, allow, ask, send, show
from ...engine import Engine
from .events import Letter, NextLetter, Ready
from .opening import open_session
from .reply import Over, PeerReply, ours
from .session import Session
from .transaction import transact

QUIT = b"QUIT\r\n"

WORDS = {
    Reason.TIMEOUT: ours("4.4.2", "the peer took too long"),
    Reason.SHUTDOWN: ours("4.3.2", "this server ends"),
    Reason.FLOOD: ours("4.5.0", "the reply does not end"),
}


def connect(session: Session) -> Engine:
    """An engine for one connection, on which the peer speaks first."""
    return Engine(converse(session))


def converse(session: Session) -> Dialogue[None]:
    """All that is said on a connection."""
    try:
        yield from allow(session.settings.times.opening)
        yield from open_session(session)
        yield from allow(None)
        session.ready = True
        yield from show(Ready(session.name, session.tls, session.offers))
        yield from send_letters(session)
        yield from say_quit(session)
    except Over as over:
        yield from end(session, over.reply)
        if over.polite:
            yield from send(QUIT)
    except Interrupted as why:
        yield from end(session, WORDS[why.reason])


def end(session: Session, why: PeerReply) -> Dialogue[None]:
    """Tell the agent what it means that the session ends here."""
    lost = session.lost(why)
    if lost is not None:
        yield from show(lost)


def send_letters(session: Session) -> Dialogue[None]:
    """One after the other, on one connection, while the agent has some and the peer goes on."""
    while not session.closing:
        try:
            letter = yield from ask(NextLetter(), object)
        except Failed:
            return
        if letter is None:
            return
        assert isinstance(letter, Letter), f"NextLetter was answered with {letter!r}"
        yield from transact(session, letter)


def say_quit(session: Session) -> Dialogue[None]:
    """RFC 5321 §4.1.1.10: the client waits for the reply, then closes."""
    session.over = True
    if not session.closing:
        yield from send(QUIT)
        yield from session.hear("QUIT", session.settings.times.quit)
