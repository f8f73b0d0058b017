"""UTF8: messages are sent as they are, also those with UTF-8 in their headers (RFC 6856 §2).

A client that has not said UTF8 gets a conventional message in place of such a one; that is the
agent's work. USER: names and passwords may be in UTF-8 in any case (§2.2), and come to the
agent as the client has sent them, to be brought into one form there.
"""

from __future__ import annotations

from ...dialogue import Dialogue
from ..capability import AUTHORIZATION, Capability
from ..reply import ok
from ..session import Session, no_argument


def names_too(_: Session) -> str | None:
    """§2.2"""
    return "USER"


def utf8(session: Session, argument: str) -> Dialogue[None]:
    """§2.1; there is no way back."""
    no_argument(argument)
    session.utf8 = True
    yield from ok(session, "messages are sent in UTF-8")


UTF8 = Capability(
    tag="UTF8",
    arguments=names_too,
    added={"UTF8": utf8},
    affected=frozenset({"USER", "PASS", "APOP", "LIST", "TOP", "RETR"}),
    valid=AUTHORIZATION,
    reference="RFC 6856",
)
