"""Questions that an agent may decline."""

from __future__ import annotations

from typing import TypeVar

from ..dialogue import Ask, Dialogue
from .mail_events import Declined
from .result import No

T = TypeVar("T")


def decide(question: object, answer: type[T]) -> Dialogue[T]:
    """The agent's answer of type `answer`. Raises No where it declined, and Failed."""
    given = yield Ask(question)
    if isinstance(given, Declined):
        raise No(given.text, given.code)
    assert isinstance(given, answer), f"{question!r} was answered with {given!r}"
    return given


def obey(question: object) -> Dialogue[None]:
    """Have the agent do something. Raises No where it declined, and Failed."""
    yield from decide(question, type(None))
