"""CAPA: what the server can do (RFC 2449 §5)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..reply import END, ok
from ..session import Session, no_argument


def capa(session: Session, argument: str) -> Dialogue[None]:
    """§3: capa-resp = single-line *capability "." CRLF"""
    no_argument(argument)
    lines = [capability.line(session) for capability in session.capabilities]
    yield from ok(session, "capability list follows")
    yield from send("".join(f"{line}\r\n" for line in lines if line is not None).encode())
    yield from send(END)
