"""CAPABILITY (RFC 3501 §6.1.1, §7.2.1)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..extension import Command
from ..grammar import Reader
from ..responses import untagged
from ..session import ANY, Session, State


def capabilities(session: Session) -> str:
    """capability-data without its name; what is offered depends on the state (§6.2.1)."""
    words = ["IMAP4rev1"]
    if session.state is State.NOT_AUTHENTICATED:
        if session.tls_available and not session.secure:
            words.append("STARTTLS")
        if not session.may_send_password:
            words.append("LOGINDISABLED")
        words += [f"AUTH={name}" for name in session.offer.mechanisms]
    for each in session.extensions:
        if each.offered(session):
            value = "" if each.value is None else f"={each.value(session)}"
            words.append(each.capability + value)
    return " ".join(words)


def capability(session: Session, reader: Reader) -> Dialogue[str]:
    """capability = "CAPABILITY" """
    reader.end()
    yield from send(untagged(f"CAPABILITY {capabilities(session)}".encode("ascii")))
    return "that is all"


CAPABILITY = Command(capability, ANY)
