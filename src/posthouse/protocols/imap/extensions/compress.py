"""COMPRESS=DEFLATE: both directions are compressed from here on (RFC 4978).

Only once the client has logged in: what an attacker could guess at is never compressed with a
password. TLS does not compress here.
"""

from __future__ import annotations

from ...dialogue import Dialogue, start_compress
from ..extension import Command, Extension, Tells
from ..grammar import Reader
from ..result import Bad
from ..session import IN, Session, State


def compress(session: Session, reader: Reader) -> Dialogue[str]:
    """compress = "COMPRESS" SP algorithm   (§5)"""
    reader.space()
    algorithm = reader.atom().upper()
    reader.end()
    if algorithm != "DEFLATE":
        raise Bad("no such compression")
    if session.compressed:
        raise Bad("compression is active already", "CLIENTBUG")
    return "what follows is compressed"
    yield  # a dialogue, though a short one


def begin(session: Session) -> Dialogue[None]:
    """§3: immediately after the CRLF of the tagged OK."""
    session.compressed = True
    yield from start_compress()


def offered(session: Session) -> bool:
    return session.state is not State.NOT_AUTHENTICATED and not session.compressed


COMPRESS = Extension(
    rfc=4978,
    capability="COMPRESS=DEFLATE",
    offered=offered,
    commands={"COMPRESS": Command(compress, IN, Tells.NOTHING, then=begin)},
)
