"""What a POP3 capability is.

The fields of `Capability` up to `reference` are the registration form of RFC 2449 §6 and §9, in
its order, so that a capability's file can be checked against its RFC item by item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..dialogue import Dialogue
from .session import Session, State

Run = Callable[[Session, str], Dialogue[None]]

LONGEST_COMMAND = 255  # octets with CRLF (RFC 2449 §4)
AUTHORIZATION = frozenset({State.AUTHORIZATION})
TRANSACTION = frozenset({State.TRANSACTION})
BOTH = AUTHORIZATION | TRANSACTION


@dataclass(frozen=True, slots=True)
class Command:
    """One command, and the states in which it is valid."""

    run: Run
    states: frozenset[State]
    longest: int = LONGEST_COMMAND


def nothing(_: Session) -> str | None:
    """A tag that stands alone."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One capability: all the server knows of it is here."""

    tag: str
    arguments: Callable[[Session], str | None] = nothing  # None: not available now
    added: Mapping[str, Run] = field(default_factory=dict)
    affected: frozenset[str] = frozenset()  # standard commands; "all"
    announced: frozenset[State] = BOTH
    differs: bool = False  # the arguments may be others after authentication
    valid: frozenset[State] = frozenset()  # where the added commands are
    reference: str
    longest_command: int = LONGEST_COMMAND  # of those added (RFC 2449 §4)

    def line(self, session: Session) -> str | None:
        """Its line in the answer to CAPA, if it has one now."""
        arguments = self.arguments(session) if session.state in self.announced else None
        return None if arguments is None else f"{self.tag} {arguments}".rstrip()
