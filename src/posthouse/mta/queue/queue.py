"""The way into the queue. `Queue.accept_then` is where a letter becomes ours (RFC 5321 §6.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from posthouse.store.store import Store

from .letter import Letter, Recipient
from .states import State
from .units import Written, accept

LEASE = 60  # seconds that a worker has for what it took
MOST_IN_HAND = 2_000  # letters whose delivery this worker has in hand; more wait in the queue


@dataclass(frozen=True, slots=True)
class Accepted:
    """A letter that is durable, with what is at hand for its delivery."""

    message: int
    content: int
    name: str
    letter: Letter
    recipients: Sequence[Recipient]  # those of this site are leased to this worker


def outgoing_state(hold_outgoing: bool) -> State:
    """As what recipients of other sites begin; held ones wait for an operator."""
    return State.HELD if hold_outgoing else State.READY


class Queue:
    """What MSA and MTA hand letters over to."""

    def __init__(
        self,
        store: Store,
        lease: str,
        now: Callable[[], float],
        new_name: Callable[[], str],
        hold_outgoing: bool = False,
    ) -> None:
        """`lease` is the token of this worker; `new_name` gives queue ids."""
        #: As what recipients of other sites begin.
        self.outgoing = outgoing_state(hold_outgoing)
        self._store = store
        self._lease = lease
        self._now = now
        #: Gives the id of a letter that will be accepted, for its trace field.
        self.new_name = new_name
        #: Letters accepted here whose local recipients this worker will deliver.
        self.in_hand = 0
        #: Who delivers them; called on the loop, after the commit.
        self.deliver: Callable[[Accepted], None] | None = None

    def accept_then(
        self,
        letter: Letter,
        recipients: Sequence[Recipient],
        name: str,
        done: Callable[[Written | None, Exception | None], None],
    ) -> None:
        """Take a letter: `done` is called on the loop once it is on stable storage.

        Or with StoreUnavailable or OverQuota, where it is not taken. Nothing takes it back: without
        a reply the client does not know.
        """
        received = int(self._now())
        local = any(recipient.account for recipient in recipients)
        leased = local and self.deliver is not None and self.in_hand < MOST_IN_HAND

        def written(message: Written | None, error: Exception | None) -> None:
            done(message, error)
            if message is None:
                return
            if leased and self.deliver is not None:
                self.deliver(Accepted(message.message, message.content, name, letter, recipients))

        unit = accept(
            name,
            letter,
            recipients,
            received,
            self._lease if leased else "",
            received + LEASE,
            self.outgoing,
        )
        self._store.write_then(unit, written)
