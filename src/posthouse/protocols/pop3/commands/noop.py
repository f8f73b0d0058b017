"""NOOP: nothing (RFC 1939 §5)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..reply import fact
from ..session import Session, no_argument


def noop(_: Session, argument: str) -> Dialogue[None]:
    """A positive response."""
    no_argument(argument)
    yield from fact()
