"""LITERAL-: before the log-in, literals of at most 4,096 octets without waiting (RFC 7888 §5)."""

from ..extension import Extension
from ..session import Session, State


def before_login(session: Session) -> bool:
    """Afterwards LITERAL+ is offered: the two are never offered together."""
    return session.state is State.NOT_AUTHENTICATED


LITERAL_MINUS = Extension(rfc=7888, capability="LITERAL-", offered=before_login)
