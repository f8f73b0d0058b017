"""LOGIN (RFC 3501 §6.2.3)."""

from __future__ import annotations

from ...dialogue import Dialogue, allow, ask
from ...sasl.mechanism import Accepted, Denial, Denied, Outcome, Password
from ..extension import Command, Tells
from ..grammar import Reader
from ..result import Bad, No
from ..session import OUT, Session, State
from .capability import capabilities

#: RFC 5530 §3
_DENIALS = {
    Denial.CREDENTIALS: ("AUTHENTICATIONFAILED", "wrong user name or password"),
    Denial.AUTHORIZATION: ("AUTHORIZATIONFAILED", "you may not act as this user"),
    Denial.UNAVAILABLE: ("UNAVAILABLE", "cannot be checked now; please try again later"),
    Denial.EXPIRED: ("EXPIRED", "the password has expired"),
    Denial.WEAK: ("PRIVACYREQUIRED", "a stronger mechanism is required"),
}


def login(session: Session, reader: Reader) -> Dialogue[str]:
    """login = "LOGIN" SP userid SP password"""
    reader.space()
    user = reader.astring()
    reader.space()
    password = reader.astring()
    reader.end()
    if not session.may_send_password:
        raise No("start TLS first", "PRIVACYREQUIRED")
    try:
        question = Password(user.decode(), password.decode())
    except ValueError:
        raise Bad("user name and password are UTF-8") from None
    return (yield from enter(session, (yield from ask(question, object))))


def enter(session: Session, outcome: Outcome | object) -> Dialogue[str]:
    """The authenticated state (§3.2), or NO."""
    if isinstance(outcome, Denied):
        code, text = _DENIALS[outcome.why]
        raise No(text, code)
    assert isinstance(outcome, Accepted), outcome
    session.user = outcome.account
    session.state = State.AUTHENTICATED
    session.errors = 0
    yield from allow(None)
    return f"[CAPABILITY {capabilities(session)}] logged in"


LOGIN = Command(login, OUT, Tells.NOTHING)
