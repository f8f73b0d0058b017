"""A letter in hand, leased for one next hop, and what came of it so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from posthouse.mta.queue.outcome import Deferred, Outcome, Trouble
from posthouse.mta.queue.relaying import Taken, Waiting

AT_ONCE = 100  # recipients in one transaction (RFC 5321 §4.5.3.1.8)
SESSIONS = 3  # hosts that are asked about a letter before it waits
TURNS = 200  # transactions with one host, for a letter with more recipients than it takes at once


@dataclass(slots=True, eq=False)
class Job:
    """Its recipients are `open` until each has an outcome."""

    taken: Taken
    lease: str
    until: int  # when the lease ends
    domain: str  # of its recipients
    open: list[Waiting]
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    troubles: dict[int, Trouble] = field(default_factory=dict)  # of the open ones: the last met
    later: list[Waiting] = field(default_factory=list)  # put off by the host that is asked now
    tried: frozenset[str] = frozenset()  # addresses that put it off
    turns: int = 0

    def end(self, waiting: Waiting, outcome: Outcome) -> None:
        """A recipient is done."""
        self.outcomes[waiting.number] = outcome
        self.open.remove(waiting)

    def end_all(self, outcome: Outcome) -> None:
        """All that are open are done."""
        for waiting in self.open:
            self.outcomes[waiting.number] = outcome
        self.open = []

    def put_off(self, trouble: Trouble, not_before: int = 0) -> None:
        """Nothing more can be done now; what a host has said counts for more than `trouble`."""
        for waiting in self.open:
            met = self.troubles.get(waiting.number, trouble)
            self.outcomes[waiting.number] = Deferred(met, not_before)
        self.open = []
