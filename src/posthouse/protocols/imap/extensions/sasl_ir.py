"""SASL-IR: an initial response with AUTHENTICATE (RFC 4959), which reads it."""

from ..extension import Extension
from ..session import Session, State


def before_login(session: Session) -> bool:
    return session.state is State.NOT_AUTHENTICATED


SASL_IR = Extension(rfc=4959, capability="SASL-IR", offered=before_login)
