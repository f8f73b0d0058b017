"""The states of a queued recipient, and who may move it from one to another.

    held ──release──▶ ready ──lease──▶ leased ──▶ delivered | relayed | expanded | failed
      ▲                 ▲                │
      │                 ├──lease is over─┤
      └──hold───────────┴──due── deferred◀┘

A lease that runs out returns to `ready`: a dead worker delays a letter, it does not lose it. The
move out of `leased` names the lease's token, so that a worker that slept past its lease moves
nothing; the operator does not touch what is leased. The last four states end a recipient; when
all of a letter have ended, its rows go.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    HELD = "held"
    READY = "ready"
    LEASED = "leased"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    FAILED = "failed"


class Mover(StrEnum):
    ACCEPTANCE = "acceptance"  # the unit that writes the letter
    OPERATOR = "operator"
    CLOCK = "clock"  # something has become due
    WORKER = "worker"  # the one that takes, or has, the lease


#: From a state (None: from nothing) to a state, by whom.
TRANSITIONS: Mapping[tuple[State | None, State], tuple[Mover, ...]] = {
    (None, State.READY): (Mover.ACCEPTANCE,),
    (None, State.LEASED): (Mover.ACCEPTANCE,),  # by the worker that accepted it
    (None, State.HELD): (Mover.ACCEPTANCE,),
    (State.HELD, State.READY): (Mover.OPERATOR,),
    (State.HELD, State.FAILED): (Mover.OPERATOR,),
    (State.READY, State.HELD): (Mover.OPERATOR,),
    (State.READY, State.LEASED): (Mover.WORKER,),
    (State.READY, State.FAILED): (Mover.OPERATOR,),
    (State.LEASED, State.READY): (Mover.CLOCK,),
    (State.DEFERRED, State.READY): (Mover.CLOCK, Mover.OPERATOR),
    (State.DEFERRED, State.HELD): (Mover.OPERATOR,),
    (State.DEFERRED, State.FAILED): (Mover.OPERATOR,),
    (State.LEASED, State.DEFERRED): (Mover.WORKER,),
    (State.LEASED, State.DELIVERED): (Mover.WORKER,),
    (State.LEASED, State.RELAYED): (Mover.WORKER,),
    (State.LEASED, State.EXPANDED): (Mover.WORKER,),
    (State.LEASED, State.FAILED): (Mover.WORKER,),
}

ENDED = frozenset({State.DELIVERED, State.RELAYED, State.EXPANDED, State.FAILED})
