"""Failed log-ins, counted for the machine: who guesses passwords is slowed, and then put off.

They are counted for an account and a network together, whether there is such an account or not: a
guesser never keeps its owner out, who comes from another network. A network is counted alone as
well, since one password may be tried for many accounts; but that only makes its failures slow.
What has been counted is forgotten as time goes by, and with a good log-in. A program that was not
told of a new password, and tries the old one all day long, is counted once for each worker.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable
from dataclasses import dataclass
from hashlib import blake2b
from math import exp2

from ..protocols.sasl.mechanism import (
    Anonymous,
    Bearer,
    Certificate,
    Claim,
    Denial,
    Denied,
    Password,
    Proof,
)
from ..runtime.counters import Counters
from ..runtime.networks import Networks
from .names import ADDRESS_LIMIT, NotAnAddress, canonical_address

FIRST_WAIT = 1.0  # seconds; each further wait is twice as long
SPRAYED = 3.0  # seconds that a failure of a network is remembered
MOST_SPRAYED = 200  # of them
REPEATED = 4096  # wrong passwords that are known again, as digests that only this process can make
MEMORY = 3.0  # how much more than what puts one off is remembered, at most


@dataclass(frozen=True, slots=True)
class Settings:
    free: int = 3  # failures that nobody waits for
    slowest: float = 10.0  # seconds that the answer to a failure waits at most; 0: none waits
    most: int = 20  # failures after which nothing is checked
    remembered: float = 60.0  # seconds for which each of them is


class Guard:
    """Counts who fails, and has them wait."""

    def __init__(self, counters: Counters, networks: Networks, settings: Settings) -> None:
        self._counters = counters
        self._networks = networks
        self._settings = settings
        self._secret = secrets.token_bytes(32)
        self._wrong: OrderedDict[bytes, None] = OrderedDict()

    def watch(self, question: Proof, address: str) -> Watch | None:
        """Somebody at this address wants to log in; None for those who are not counted."""
        network = self._networks.of(address)
        if not network or not self._settings.slowest:
            return None
        return Watch(self, self._counters, self._settings, question, network)

    def is_new(self, question: Proof, network: str) -> bool:
        """Whether this wrong password has not been tried before."""
        if not isinstance(question, Password):
            return True
        tried = f"{network}\0{name_of(question)}\0{question.password}".encode("utf-8", "replace")
        digest = blake2b(tried, key=self._secret, digest_size=16).digest()
        if digest in self._wrong:
            self._wrong.move_to_end(digest)
            return False
        self._wrong[digest] = None
        if len(self._wrong) > REPEATED:
            self._wrong.popitem(last=False)
        return True


class Watch:
    """One log-in."""

    def __init__(
        self,
        guard: Guard,
        counters: Counters,
        settings: Settings,
        question: Proof,
        network: str,
    ) -> None:
        self._guard = guard
        self._counters = counters
        self._settings = settings
        self._question = question
        self._from = network
        self._pair = counters.key("log-in", f"{network}\0{name_of(question)}")
        self._network = counters.key("log-ins", network)

    @property
    def blocked(self) -> bool:
        """There were too many: nothing is checked for a while."""
        settings = self._settings
        # Of the last failure some is paid already.
        return self._counters.debt(self._pair) > (settings.most - 1) * settings.remembered

    async def refused(self) -> Denied:
        """The answer to who is blocked."""
        await asyncio.sleep(self._settings.slowest)
        return Denied(Denial.UNAVAILABLE)

    def after(self, found: object) -> Awaitable[object] | None:
        """Count what came of it; what is to be waited for before it is told, if anything is."""
        settings, counters = self._settings, self._counters
        if not isinstance(found, Denied):
            counters.clear(self._pair)
            return None
        if found.why is Denial.UNAVAILABLE:
            return None
        most = settings.most * settings.remembered * MEMORY
        cost = settings.remembered if self._guard.is_new(self._question, self._from) else 0.0
        owed = counters.add(self._pair, cost, most) / settings.remembered
        sprayed = counters.add(self._network, SPRAYED, SPRAYED * MOST_SPRAYED) / SPRAYED
        wait = max(_wait(owed, settings), _wait(sprayed / 4, settings))
        return asyncio.sleep(wait) if wait else None


def _wait(count: float, settings: Settings) -> float:
    if count <= settings.free:
        return 0.0
    return min(settings.slowest, FIRST_WAIT * exp2(min(count - settings.free - 1, 30.0)))


def name_of(question: Proof) -> str:
    """Whose account it is about, as the counters have it."""
    match question:
        case Password(user) | Claim(_, user):
            name = user
        case Bearer(_, _, identity):
            name = identity
        case Certificate(addresses):
            name = addresses[0] if addresses else ""
        case Anonymous():
            name = ""
    if len(name) > ADDRESS_LIMIT:
        return ""
    try:
        return canonical_address(name)
    except NotAnAddress:
        return name.casefold()
