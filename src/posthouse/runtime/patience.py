"""Errors of clients are told ever more slowly, the more of them a network has made.

An error is a debt (counters.py), shared by all workers. Only the reply to the error waits, and with
it that connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from math import exp2

from .counters import Counters
from .networks import Networks

ERROR = 10.0  # seconds that an error is remembered
FREE_ERRORS = 4  # that nobody waits for
MOST_ERRORS = 32
FIRST_WAIT = 0.5  # seconds; each further wait is twice as long


class Patience:
    """How long errors take."""

    def __init__(self, counters: Counters, networks: Networks, slowest: float) -> None:
        """`slowest` is the longest wait in seconds; 0: nobody waits."""
        self._counters = counters
        self._networks = networks
        self._slowest = slowest

    def erred(self, address: str) -> Awaitable[None] | None:
        """Count an error of a peer; what to wait for before it is told, if there is anything."""
        network = self._networks.of(address)
        if not network or not self._slowest:
            return None
        key = self._counters.key("error", network)
        owed = self._counters.add(key, ERROR, ERROR * MOST_ERRORS) / ERROR
        if owed <= FREE_ERRORS:
            return None
        wait = FIRST_WAIT * exp2(min(owed - FREE_ERRORS - 1, 30.0))
        return asyncio.sleep(min(self._slowest, wait))
