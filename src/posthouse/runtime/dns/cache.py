"""What was answered, for as long as it may be remembered (RFC 1035 §7.4, RFC 2308 §5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .answers import Answer, DNSFailure

Key = tuple[str, str]  # name, kind


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer, as data."""

    kind: type[DNSFailure]
    text: str


Outcome = Answer[Any] | Failed


@dataclass(frozen=True, slots=True)
class Entry:
    outcome: Outcome
    expires: float
    size: int


class Cache:
    """Bounded in entries and octets; what was not used for longest goes first."""

    def __init__(self, entries: int, octets: int, monotonic: Callable[[], float]) -> None:
        self._limit = entries
        self._octets_limit = octets
        self._monotonic = monotonic
        self._entries: dict[Key, Entry] = {}  # the last used is the last
        self._octets = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> tuple[Outcome, float] | None:
        """The outcome, and for how many seconds it still holds."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        left = entry.expires - self._monotonic()
        if left <= 0:
            self._octets -= entry.size
            return None
        self._entries[key] = entry
        return entry.outcome, left

    def put(self, key: Key, outcome: Outcome, ttl: float, size: int) -> None:
        self._forget(key)
        if ttl <= 0 or size > self._octets_limit:
            return
        self._entries[key] = Entry(outcome, self._monotonic() + ttl, size)
        self._octets += size
        while len(self._entries) > self._limit or self._octets > self._octets_limit:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._octets -= entry.size
