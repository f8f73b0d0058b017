"""LHLO: how a session of LMTP begins (RFC 2033 §4.1)."""

from __future__ import annotations

from collections.abc import Mapping

from ..dialogue import Dialogue
from .extension import Verb
from .session import Session
from .verbs import VERBS, greet


def lhlo(session: Session, argument: str) -> Dialogue[None]:
    """§4.1: as EHLO"""
    yield from greet(session, argument, True)


#: §4.1: HELO and EHLO are unknown commands here.
LMTP_VERBS: Mapping[str, Verb] = {
    "LHLO": lhlo,
    **{name: verb for name, verb in VERBS.items() if name not in ("HELO", "EHLO")},
}
