"""NAMESPACE: all mailboxes are the user's own, and their names have no prefix (RFC 2342)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..extension import Command, Extension
from ..grammar import Reader
from ..responses import untagged
from ..session import Session


def namespace(session: Session, reader: Reader) -> Dialogue[str]:
    """§5: personal, other users', shared"""
    reader.end()
    yield from send(untagged(b'NAMESPACE (("" "/")) NIL NIL'))
    return "that is all"


NAMESPACE = Extension(rfc=2342, capability="NAMESPACE", commands={"NAMESPACE": Command(namespace)})
