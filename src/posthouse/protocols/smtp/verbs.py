"""The verbs of RFC 5321 §4.1.1 but DATA, and when each is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from posthouse.message.address import Path, parse_path

from ..dialogue import Dialogue, ask, show
from .data import data
from .dialect import DIALECTS
from .events import Abort, Hello, Mail, Recipient, Verify
from .extension import Verb
from .parameter import NONE, Parameters, read_parameters
from .reply import Refused, Reply, constant
from .session import Session, State, answer, decide

#: The states a verb needs (§4.1.4); a verb not named here is allowed in all.
NEEDS: Mapping[str, tuple[State, ...]] = {
    "MAIL": (State.GREETED,),
    "RCPT": (State.MAIL, State.RCPT),
    "DATA": (State.RCPT,),
}

OK = Reply(250, "2.0.0", "ok")

# Quirk: clients on desktops say names with underscores; and some give details after a literal.
_domain = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[A-Za-z0-9.:-]{1,253}\])(?: .*)?").fullmatch

# Quirk: a space after the colon is not in the grammar, and is common.
_PATH = r' ?(<(?:[^"<>]++|"(?:[^"\\]++|\\.)*+")*+>)(?: ++(.*))?'
_from = re.compile("FROM:" + _PATH, re.IGNORECASE).fullmatch
_to = re.compile("TO:" + _PATH, re.IGNORECASE).fullmatch


def ehlo(session: Session, argument: str) -> Dialogue[None]:
    """§4.1.1.1: ehlo = "EHLO" SP ( Domain / address-literal ) CRLF"""
    yield from greet(session, argument, True)


def helo(session: Session, argument: str) -> Dialogue[None]:
    """§4.1.1.1: helo = "HELO" SP Domain CRLF"""
    yield from greet(session, argument, False)


def greet(session: Session, argument: str, extended: bool) -> Dialogue[None]:
    """§4.1.1.1: a positive answer begins a session anew, and to EHLO names the extensions."""
    found = _domain(argument)
    if found is None:
        raise Refused(501, "5.5.4", "expected a domain or an address literal")
    reply = yield from ask(Hello(found[1], extended), Reply)
    if not reply.positive:
        yield from answer(session, reply)
        return
    yield from abandon(session)
    session.state = State.GREETED
    session.domain, session.extended = found[1], extended
    lines: list[str] = []
    if extended:
        for extension in DIALECTS[session.service].extensions:
            text = extension.argument(session)
            if text is not None:
                lines.append(f"{extension.keyword} {text}".rstrip())
    yield from answer(session, constant(250, "", session.settings.hostname, tuple(lines)))


def mail(session: Session, argument: str) -> Dialogue[None]:
    """§4.1.1.2: mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF"""
    dialect = DIALECTS[session.service]
    path, words = read_path(_from(argument), "FROM", "5.1.7")
    if path.address is not None and not path.address.domain:
        raise Refused(501, "5.1.7", "the sender has no domain")
    event = Mail(path, read_parameters(words, dialect.mail) if words else NONE)
    for check in dialect.check_mail:
        check(session, event)
    if session.transactions >= session.settings.transactions:
        raise Refused(421, "4.7.0", "too many messages in one session")
    reply = yield from decide(session, event)
    if reply.positive:
        session.state = State.MAIL
        session.recipients = 0
        session.transactions += 1


def rcpt(session: Session, argument: str) -> Dialogue[None]:
    """§4.1.1.3: rcpt = "RCPT TO:" Forward-path [SP Rcpt-parameters] CRLF"""
    path, words = read_path(_to(argument), "TO", "5.1.3")
    if path.address is None:
        raise Refused(501, "5.1.3", "the recipient is empty")
    parameters: Parameters = NONE
    if words:
        parameters = read_parameters(words, DIALECTS[session.service].rcpt)
    if session.recipients >= session.settings.recipients:
        raise Refused(452, "4.5.3", "too many recipients")  # §4.5.3.1.10
    reply = yield from decide(session, Recipient(path, parameters))
    if reply.positive:
        session.state = State.RCPT
        session.recipients += 1


def read_path(found: re.Match[str] | None, word: str, status: str) -> tuple[Path, str | None]:
    """The path, and the parameters after it."""
    if found is None:
        raise Refused(501, "5.5.4", f"expected {word}:<address>")
    text, words = found.groups()
    try:
        return parse_path(text), words
    except ValueError as error:
        raise Refused(501, status, str(error)) from None


def rset(session: Session, argument: str) -> Dialogue[None]:
    """§4.1.1.5: rset = "RSET" CRLF"""
    refuse_argument(argument)
    yield from abandon(session)
    yield from answer(session, OK)


def abandon(session: Session) -> Dialogue[None]:
    """Forget the transaction, if there is one."""
    if session.in_transaction:
        session.state = State.GREETED
        yield from show(Abort())


def vrfy(session: Session, argument: str) -> Dialogue[None]:
    """§4.1.1.6: vrfy = "VRFY" SP String CRLF"""
    if not argument:
        raise Refused(501, "5.5.4", "expected a user or mailbox")
    yield from decide(session, Verify(argument))


def noop(session: Session, _: str) -> Dialogue[None]:
    """§4.1.1.9: noop = "NOOP" [ SP String ] CRLF"""
    yield from answer(session, OK)


def quit_(session: Session, argument: str) -> Dialogue[None]:
    """§4.1.1.10: quit = "QUIT" CRLF"""
    refuse_argument(argument)
    yield from abandon(session)
    session.state = State.CLOSED
    yield from answer(session, constant(221, "2.0.0", f"{session.settings.hostname} bye"))


def hidden_list(session: Session, argument: str) -> Dialogue[None]:
    """EXPN where it is not offered: §7.3, who hides lists says 252. (2.5.0: RFC 5248 §2.4)"""
    if not argument:
        raise Refused(501, "5.5.4", "expected the name of a list")
    yield from answer(session, Reply(252, "2.5.0", "who is on a list is not told here"))


def unsupported(session: Session, _: str) -> Dialogue[None]:
    """SEND, SOML, SAML and TURN (RFC 5321 appendix F): never wanted back."""
    yield from answer(session, Reply(502, "5.5.1", "command not implemented"))


def refuse_argument(argument: str) -> None:
    """§4.3.2: commands that take no arguments SHOULD give 501 when there are some."""
    if argument:
        raise Refused(501, "5.5.4", "no argument is expected")


VERBS: Mapping[str, Verb] = {
    "EHLO": ehlo,
    "HELO": helo,
    "MAIL": mail,
    "RCPT": rcpt,
    "DATA": data,
    "RSET": rset,
    "VRFY": vrfy,
    "NOOP": noop,
    "QUIT": quit_,
    "EXPN": hidden_list,  # where it is not offered
    "SEND": unsupported,
    "SOML": unsupported,
    "SAML": unsupported,
    "TURN": unsupported,
}
