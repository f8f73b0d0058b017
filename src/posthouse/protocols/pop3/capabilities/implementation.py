"""IMPLEMENTATION: the name of this server (RFC 2449 §6.9)."""

from __future__ import annotations

from ..capability import Capability
from ..session import Session


def name(session: Session) -> str | None:
    """No name: not announced."""
    return session.implementation or None


IMPLEMENTATION = Capability(tag="IMPLEMENTATION", arguments=name, reference="RFC 2449")
