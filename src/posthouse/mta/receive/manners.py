"""How often one sender and one network may come, counted for the machine.

A rate is a debt (runtime.counters): each letter costs the share of the time that is its own, and
as much may be owed as the whole time. So all of a minute's letters may come at once, and then one
for each that is paid off.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from posthouse.protocols.smtp.reply import Reply
from posthouse.runtime.counters import Counters
from posthouse.runtime.networks import Networks
from posthouse.runtime.patience import Patience

MINUTE, HOUR = 60.0, 3600.0

NETWORK = Reply(451, "4.7.1", "too much mail from your network, try again later")
SENDER = Reply(451, "4.7.1", "too much mail from this sender, try again later")
ACCOUNT = Reply(451, "4.7.1", "you have sent too much for now, try again later")


@dataclass(frozen=True, slots=True)
class Rates:
    """How many are too many; 0: none are."""

    messages: int = 0  # of a network in a minute
    recipients: int = 0  # of a network in a minute
    sender_messages: int = 0  # of a sender's domain in a minute
    account_messages: int = 0  # of an account in an hour
    account_recipients: int = 0  # of an account in an hour


class Log(Protocol):
    def info(self, event: str, **fields: object) -> object: ...


class Manners:
    """What is asked of all who come."""

    def __init__(
        self,
        counters: Counters,
        networks: Networks,
        rates: Rates,
        patience: Patience,
        log: Log,
    ) -> None:
        self.counters = counters
        self.rates = rates
        self.patience = patience
        self.log = log
        self._networks = networks

    def meet(self, address: str) -> Guest | None:
        """Who comes from this address; None for those whom nothing is asked of."""
        network = self._networks.of(address)
        return Guest(self, network, address) if network else None


class Guest:
    """One connection of a network that is counted."""

    __slots__ = ("_account", "_address", "_counters", "_manners", "_network", "_recipients")

    def __init__(self, manners: Manners, network: str, address: str) -> None:
        self._manners = manners
        self._counters = manners.counters
        self._network = network
        self._address = address
        self._recipients = 0  # keys, once they are needed
        self._account = 0

    def sends(self, domain: str) -> Reply | None:
        """Why a letter from a sender of this domain is not taken now."""
        rates = self._manners.rates
        return self._take("message", self._network, rates.messages, NETWORK) or (
            self._take("sender", domain.casefold(), rates.sender_messages, SENDER)
            if domain
            else None
        )

    def submits(self, account: int) -> Reply | None:
        """Why a letter of an account is not taken now."""
        most = self._manners.rates.account_messages
        return self._take("account message", str(account), most, ACCOUNT, HOUR)

    def addresses(self) -> Reply | None:
        """Why one more recipient is not taken now."""
        most = self._manners.rates.recipients
        if not most:
            return None
        if not self._recipients:
            self._recipients = self._counters.key("recipient", self._network)
        return self._count(self._recipients, "recipient", self._network, most, NETWORK, MINUTE)

    def writes_to(self, account: int) -> Reply | None:
        """Why one more recipient of an account's letters is not taken now."""
        most = self._manners.rates.account_recipients
        if not most:
            return None
        name = str(account)
        if not self._account:
            self._account = self._counters.key("account recipient", name)
        return self._count(self._account, "account recipient", name, most, ACCOUNT, HOUR)

    def erred(self) -> Awaitable[None] | None:
        """What to wait for before an error is told, if there is anything."""
        return self._manners.patience.erred(self._address)

    def _take(
        self, kind: str, name: str, most: int, refusal: Reply, within: float = MINUTE
    ) -> Reply | None:
        if not most:
            return None
        return self._count(self._counters.key(kind, name), kind, name, most, refusal, within)

    def _count(
        self, key: int, kind: str, name: str, most: int, refusal: Reply, within: float
    ) -> Reply | None:
        if self._counters.take(key, within / most, within):
            return None
        self._manners.log.info("too many", of=kind, by=name, network=self._network)
        return refusal
