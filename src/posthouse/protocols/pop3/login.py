"""The end of every login: the outcome is told, and the maildrop is opened."""

from __future__ import annotations

from collections.abc import Mapping

from ..dialogue import Dialogue, allow, ask
from ..sasl.mechanism import Accepted, Denial, Outcome
from .events import Maildrop, Open, Opening, Unavailable
from .reply import Refused, ok
from .session import SUMMARY, Session

#: Text and response code (RFC 3206 §4, §5: AUTH for all that other credentials would cure).
DENIALS: Mapping[Denial, tuple[str, str]] = {
    Denial.CREDENTIALS: ("invalid user name or password", "AUTH"),
    Denial.AUTHORIZATION: ("not allowed to act for this user", "AUTH"),
    Denial.UNAVAILABLE: ("cannot check that now, try again later", "SYS/TEMP"),
    Denial.EXPIRED: ("the password has expired", "AUTH"),
    Denial.WEAK: ("this account needs a stronger mechanism", "AUTH"),
}


def log_in(session: Session, outcome: Outcome) -> Dialogue[None]:
    """RFC 1939 §4: lock the maildrop and enter the TRANSACTION state."""
    if not isinstance(outcome, Accepted):
        session.logins += outcome.why is not Denial.UNAVAILABLE
        raise Refused(*DENIALS[outcome.why])
    opening = yield from ask(Open(outcome.account, session.utf8), Opening)
    if isinstance(opening, Unavailable):
        raise Refused(opening.text, opening.code)
    assert isinstance(opening, Maildrop)
    session.open(outcome.account, opening)
    yield from allow(None)
    yield from ok(session, SUMMARY, **session.summary())
