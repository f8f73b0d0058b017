"""The moment before an error is told: the agent may have it last, so that guessing is slow."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from .dialogue import Dialogue, Failed, ask


@dataclass(frozen=True, slots=True)
class Erred:
    """The client has made an error. Any answer will do, as soon as it may be told."""


ERRED = Erred()


def pause() -> Dialogue[None]:
    """Wait until the agent lets an error be told."""
    with suppress(Failed):
        yield from ask(ERRED, object)
