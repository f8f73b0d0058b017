"""EXPIRE: how long messages may be left here (RFC 2449 §6.7)."""

from __future__ import annotations

from ..capability import Capability
from ..session import Session, State


def days(session: Session) -> str | None:
    """The smallest of any user's, then the user's own."""
    policy = session.policy
    kept = "NEVER" if policy.expire is None else str(policy.expire)
    varies = policy.expire_varies and session.state is State.AUTHORIZATION
    return f"{kept}{' USER' if varies else ''}"


EXPIRE = Capability(tag="EXPIRE", arguments=days, differs=True, reference="RFC 2449")
