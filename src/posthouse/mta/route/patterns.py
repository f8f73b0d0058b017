"""Domains as settings name them: `example.org`, `.example.org` (all below it), `*` (all)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from posthouse.message.address import parse_domain

T = TypeVar("T")

ALL = "*"


class DomainMap(Generic[T]):
    """A value for domains; the pattern that says most about a domain is the one that counts."""

    def __init__(self, values: Mapping[str, T]) -> None:
        self._values = {normal_pattern(pattern): value for pattern, value in values.items()}

    def get(self, domain: str) -> T | None:
        """The value for a domain in normal form (lower-case A-labels, or a literal)."""
        if not self._values:
            return None
        for pattern in _patterns_of(domain):
            value = self._values.get(pattern)
            if value is not None:
                return value
        return None


def normal_pattern(pattern: str) -> str:
    """A pattern in lower-case A-labels. Raises ValueError."""
    if pattern == ALL:
        return pattern
    dot = "." if pattern.startswith(".") else ""
    return dot + parse_domain(pattern.removeprefix("."), smtputf8=True)


def _patterns_of(domain: str) -> Iterator[str]:
    """The patterns that a domain could be found by, the closest first."""
    yield domain
    if not domain.startswith("["):
        dot = domain.find(".")
        while dot >= 0:
            yield domain[dot:]
            dot = domain.find(".", dot + 1)
    yield ALL
