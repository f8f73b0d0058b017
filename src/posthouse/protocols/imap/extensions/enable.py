"""ENABLE: the client says which extensions it knows (RFC 5161)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..extension import Command, Extension
from ..grammar import Reader
from ..responses import untagged
from ..session import Session, State


def enable(session: Session, reader: Reader) -> Dialogue[str]:
    """enable = "ENABLE" 1*(SP capability); what is not known is passed over (§3.1)."""
    reader.space()
    names = [reader.atom().upper()]
    while reader.accept(b" "):
        names.append(reader.atom().upper())
    reader.end()
    known = {each.capability.upper(): each for each in session.extensions if each.enable}
    enabled, before = [], frozenset(session.enabled)
    for name in dict.fromkeys(names):
        if name in known and name not in before:
            enabled.append(known[name].capability)
            session.enabled |= {name, *known[name].implies}
    yield from send(untagged(" ".join(["ENABLED", *enabled]).encode("ascii")))
    return "enabled"


ENABLE = Extension(
    rfc=5161,
    capability="ENABLE",
    commands={"ENABLE": Command(enable, frozenset({State.AUTHENTICATED}))},  # §3.1
)
