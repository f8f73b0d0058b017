"""STLS: from here on the connection is encrypted (RFC 2595 §4)."""

from __future__ import annotations

from ...dialogue import Dialogue, start_tls
from ..capability import AUTHORIZATION, Capability
from ..reply import Refused, ok
from ..session import Session, State, no_argument


def permitted(session: Session) -> str | None:
    """§4: the tag says that the command is permitted in the current state."""
    clear = session.state is State.AUTHORIZATION and not session.secure and not session.utf8
    return "" if session.tls_available and clear else None


def stls(session: Session, argument: str) -> Dialogue[None]:
    """The name that the client gave, and what it sent ahead, in the clear is forgotten."""
    no_argument(argument)
    if session.secure:
        raise Refused("not permitted when TLS is active")
    if session.utf8:  # RFC 6856 §2.1
        raise Refused("not permitted after UTF8")
    if not session.tls_available:
        raise Refused("TLS is not available")
    yield from ok(session, "begin TLS negotiation")
    session.tls = yield from start_tls()
    session.secure = True
    session.name = ""


STLS = Capability(
    tag="STLS",
    arguments=permitted,
    added={"STLS": stls},
    affected=frozenset({"USER", "PASS"}),
    valid=AUTHORIZATION,
    reference="RFC 2595",
)
