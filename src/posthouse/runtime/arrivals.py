"""How often a network may connect to a service, counted for the machine (counters.py)."""

from __future__ import annotations

from typing import Protocol

from .counters import Counters
from .networks import Networks

MINUTE = 60.0


class Log(Protocol):
    """One line an event."""

    def info(self, event: str, **fields: object) -> object: ...


class Arrivals:
    """Those who connect to a service, or to several that are counted as one."""

    def __init__(
        self, counters: Counters, networks: Networks, of: str, most: int, log: Log
    ) -> None:
        """`most` connections of a network in a minute; 0: any number."""
        self._counters = counters
        self._networks = networks
        self._of = of
        self._most = most
        self._log = log

    def welcome(self, address: str) -> bool:
        """Whether one more may come from this address; it is counted."""
        network = self._networks.of(address)
        if not network or not self._most:
            return True
        key = self._counters.key(self._of, network)
        if self._counters.take(key, MINUTE / self._most, MINUTE):
            return True
        self._log.info("too many", of=self._of, network=network)
        return False
