"""LITERAL+: literals that are sent without waiting (RFC 7888); `framing` reads them."""

from ..extension import Extension
from ..session import Session, State


def after_login(session: Session) -> bool:
    """Before it LITERAL- is offered: a stranger's literals are small ones."""
    return session.state is not State.NOT_AUTHENTICATED


LITERAL_PLUS = Extension(rfc=7888, capability="LITERAL+", offered=after_login)
