"""USER and PASS: a name and a password, one after the other (RFC 2449 §6.2, RFC 1939 §7)."""

from __future__ import annotations

from ...dialogue import Dialogue, ask
from ...sasl.mechanism import Accepted, Denied, Password
from ..capability import AUTHORIZATION, Capability
from ..login import log_in
from ..reply import Refused, ok
from ..session import Session


def offered(session: Session) -> str | None:
    """Not where the password would be read by others."""
    return "" if session.private else None


def user(session: Session, argument: str) -> Dialogue[None]:
    """RFC 1939 §7: USER name. The answer is the same for everybody (RFC 3206 §5)."""
    if not session.private:
        raise Refused("a password is taken only with TLS, see STLS")
    if not argument:
        raise Refused("expected a name")
    session.name = argument
    yield from ok(session, "now the password")


def pass_(session: Session, argument: str) -> Dialogue[None]:
    """RFC 1939 §7: PASS string, in which a space is a part of the password."""
    if session.previous != "USER":
        raise Refused("PASS comes right after USER")
    if not argument:
        raise Refused("expected a password")
    outcome = yield from ask(Password(session.name, argument), object)
    assert isinstance(outcome, Accepted | Denied)
    yield from log_in(session, outcome)


USER = Capability(
    tag="USER",
    arguments=offered,
    added={"USER": user, "PASS": pass_},
    valid=AUTHORIZATION,
    reference="RFC 1939",
)
