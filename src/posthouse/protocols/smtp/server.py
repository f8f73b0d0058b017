"""The server side of SMTP (RFC 5321).

One verb runs at a time, and reads only what it wants: a client may pipeline (RFC 2920) and
nothing here can tell.
"""

from __future__ import annotations

from ..dialogue import Dialogue, Failed, Interrupted, LineTooLong, ReadLine, Reason, allow, send
from ..engine import Engine
from .dialect import COMMAND_LIMIT, DIALECTS, Dialect
from .extension import Verb
from .lhlo import LMTP_VERBS
from .reply import LOST, SHUT_OUT, Refused, Reply, constant
from .session import Service, Session, State, answer
from .verbs import NEEDS, VERBS

LAST_WORDS = {
    Reason.TIMEOUT: bytes(Reply(421, "4.4.2", "timeout, closing")),
    Reason.SHUTDOWN: bytes(Reply(421, "4.3.2", "the server ends, try again later")),
    Reason.FLOOD: bytes(Reply(421, "4.7.0", "a line without an end, closing")),
    Reason.SHUT_OUT: bytes(SHUT_OUT),
}
TOO_LONG = Reply(500, "5.5.2", "line too long")  # §4.5.3.1.9

#: What a browser says that was tricked into speaking to a mail server.
FOREIGN = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "CONNECT", "PRI"})

#: What may be said before a log-in where one is needed (RFC 4954 §6, RFC 3207 §4).
FREE = frozenset({"AUTH", "EHLO", "HELO", "LHLO", "NOOP", "RSET", "QUIT", "STARTTLS", "HELP"})


def serve(session: Session) -> Engine:
    """An engine for one connection."""
    return Engine(converse(session))


def converse(session: Session) -> Dialogue[None]:
    """All that is said on a connection."""
    dialect = DIALECTS[session.service]
    within = session.settings.command_time
    try:
        if session.locked:
            yield from allow(session.settings.log_in_time)
        kind = "LMTP" if session.service is Service.LMTP else "ESMTP"
        yield from send(bytes(constant(220, "", f"{session.settings.hostname} {kind}")))
        while session.state is not State.CLOSED:
            try:
                line: bytes = yield ReadLine(dialect.longest, within, True)
                verb, argument = read_command(session, dialect, line)
                yield from verb(session, argument)
            except Refused as refusal:
                yield from answer(session, refusal.reply)
            except LineTooLong:
                yield from answer(session, TOO_LONG)
            except Failed:
                yield from answer(session, LOST)
    except Interrupted as why:
        yield from send(LAST_WORDS[why.reason])


def read_command(session: Session, dialect: Dialect, line: bytes) -> tuple[Verb, str]:
    """A verb that may be obeyed now, and its argument."""
    text = line.decode("latin-1").rstrip(" \t")  # §4.1.1: trailing white space is tolerated
    word, _, argument = text.partition(" ")
    name = word.upper()
    verbs = LMTP_VERBS if session.service is Service.LMTP else VERBS
    verb = dialect.verbs.get(name) or verbs.get(name)
    if verb is None:
        if name in FOREIGN and session.state is State.CONNECTED:
            raise Refused(421, "4.7.0", "this is SMTP")
        raise Refused(500, "5.5.1", "unknown command")  # §4.2.4
    if len(line) > COMMAND_LIMIT and len(line) > dialect.limits.get(name, COMMAND_LIMIT):
        raise Refused(500, "5.5.2", "line too long")
    if not (text.isascii() and text.isprintable()):
        raise Refused(501, "5.5.2", "only printable ASCII is expected")  # §4.1.2
    if session.locked and name not in FREE:
        refuse_stranger(session)
    if name in NEEDS and session.state not in NEEDS[name]:
        raise Refused(503, "5.5.1", "bad sequence of commands")  # §4.1.4
    return verb, argument


def refuse_stranger(session: Session) -> None:
    """RFC 4954 §6; RFC 3207 §4"""
    if session.offer:
        raise Refused(530, "5.7.0", "authentication required")
    raise Refused(530, "5.7.0", "must issue a STARTTLS command first")
