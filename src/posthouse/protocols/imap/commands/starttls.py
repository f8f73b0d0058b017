"""STARTTLS (RFC 3501 §6.2.1)."""

from __future__ import annotations

from ...dialogue import Dialogue, start_tls
from ..extension import Command, Tells
from ..grammar import Reader
from ..result import Bad
from ..session import OUT, Session


def starttls(session: Session, reader: Reader) -> Dialogue[str]:
    """starttls = "STARTTLS"; the handshake follows the tagged OK."""
    reader.end()
    if session.secure or not session.tls_available:
        raise Bad("TLS cannot be started now", "CLIENTBUG")
    return "begin TLS now"
    yield  # a dialogue, though a short one


def handshake(session: Session) -> Dialogue[None]:
    """What the client sent ahead is dropped; what it knew of the server it must ask again."""
    session.tls = yield from start_tls()
    session.secure = True


STARTTLS = Command(starttls, OUT, Tells.NOTHING, then=handshake)
