"""LOGIN-DELAY: how long to wait from one login to the next (RFC 2449 §6.5)."""

from __future__ import annotations

from ..capability import Capability
from ..session import Session, State


def seconds(session: Session) -> str | None:
    """The largest of any user's, then the user's own. It is the agent that sees to it."""
    policy = session.policy
    if policy.login_delay is None:
        return None
    varies = policy.login_delay_varies and session.state is State.AUTHORIZATION
    return f"{policy.login_delay}{' USER' if varies else ''}"


LOGIN_DELAY = Capability(
    tag="LOGIN-DELAY",
    arguments=seconds,
    affected=frozenset({"USER", "PASS", "APOP", "AUTH"}),
    differs=True,
    reference="RFC 2449",
)
