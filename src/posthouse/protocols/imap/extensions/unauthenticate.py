"""UNAUTHENTICATE: the connection is as new, but for TLS (RFC 8437)."""

from __future__ import annotations

from ...dialogue import Dialogue, Failed, allow, show, take_notices
from ..commands.select import leave
from ..events import LoggedOut
from ..extension import Command, Extension, Tells
from ..grammar import Reader
from ..result import Bad, Bye, No
from ..session import IN, Session, State


def unauthenticate(session: Session, reader: Reader) -> Dialogue[str]:
    """command-auth =/ "UNAUTHENTICATE"; all that the client has enabled is off again (§4.1)."""
    reader.end()
    if session.compressed:  # what it is not offered for (RFC 4978)
        raise Bad("not after COMPRESS", "CLIENTBUG")
    try:
        yield from leave(session)
    except (No, Failed):  # NO is no answer here (§3)
        raise Bye("it cannot be undone that somebody is logged in") from None
    yield from show(LoggedOut())
    yield from take_notices()
    session.watch = None
    session.user = ""
    session.enabled.clear()
    session.errors = 0
    session.state = State.NOT_AUTHENTICATED
    yield from allow(session.limits.logging_in)
    return "logged out"


def _logged_in(session: Session) -> bool:
    return session.state is not State.NOT_AUTHENTICATED and not session.compressed


UNAUTHENTICATE = Extension(
    rfc=8437,
    capability="UNAUTHENTICATE",
    offered=_logged_in,
    commands={"UNAUTHENTICATE": Command(unauthenticate, IN, Tells.NOTHING)},
)
