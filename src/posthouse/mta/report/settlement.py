"""From what came of a try to what the queue does: ends, next tries, and reports to the sender."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from posthouse.message.reports.dsn import Action
from posthouse.mta.queue.concluding import Copy, LeaseLost, Move, Report, conclude, derived
from posthouse.mta.queue.listing import Entry, recipients_of
from posthouse.mta.queue.outcome import Deferred, Expanded, Failed, Outcome, Relayed, Trouble
from posthouse.mta.queue.relaying import Taken
from posthouse.mta.queue.schedule import DAY, HOUR, Retry, Schedule
from posthouse.mta.queue.states import State
from posthouse.store.store import Store

from .reporter import Reporter


class Log(Protocol):
    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...


@dataclass(slots=True)
class Plan:
    """What one unit of work will do to a letter."""

    moves: list[Move] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    failed: dict[int, Trouble] = field(default_factory=dict)
    warned: dict[int, Trouble] = field(default_factory=dict)


class Settlement:
    """How leases end. One for a worker; all its parts that try letters have it."""

    def __init__(
        self,
        store: Store,
        reporter: Reporter,
        schedule: Schedule,
        now: Callable[[], float],
        chance: Callable[[], float],
        log: Log,
        in_doubt: Callable[[], bool] = lambda: False,
        outgoing: State = State.READY,
    ) -> None:
        """`chance` gives a number from 0 to 1. While the time is `in_doubt` nothing is too late.

        Reports and copies for other sites begin as `outgoing`.
        """
        self._store = store
        self._reporter = reporter
        self._now = now
        self._chance = chance
        self._log = log
        self.schedule = schedule
        self.in_doubt = in_doubt
        self._outgoing = outgoing

    async def settle(self, taken: Taken, lease: str, outcomes: Mapping[int, Outcome]) -> bool:
        """End the lease for these recipients of a letter, by number.

        False if it was no longer the caller's: then nothing was done. Raises StoreUnavailable.
        """
        if all(isinstance(outcome, Relayed) for outcome in outcomes.values()):
            plan = Plan([Move(number, State.RELAYED) for number in outcomes])
            addresses = {each.number: each.forward_path for each in taken.recipients}
            return await self._conclude(taken.message, taken.name, lease, plan, addresses, outcomes)
        return await self.settle_message(taken.message, lease, outcomes)

    async def settle_message(
        self, message: int, lease: str, outcomes: Mapping[int, Outcome]
    ) -> bool:
        """`settle` for a letter of which only the id is at hand."""
        entries = self._store.read(recipients_of(message))
        if not set(outcomes) <= {entry.number for entry in entries}:
            return False
        plan = self.plan(entries, outcomes)
        addresses = {entry.number: entry.forward_path for entry in entries}
        return await self._conclude(message, entries[0].name, lease, plan, addresses, outcomes)

    def plan(self, entries: Sequence[Entry], outcomes: Mapping[int, Outcome]) -> Plan:
        """What follows from these outcomes, with the reports that go to the sender."""
        plan = Plan()
        for entry in entries:
            outcome = outcomes.get(entry.number)
            if outcome is not None:
                self._move(plan, entry, outcome)
        end = self.schedule.give_up_at(entries[0].received)
        for action, troubles in ((Action.FAILED, plan.failed), (Action.DELAYED, plan.warned)):
            if not troubles:
                continue
            until = end if action is Action.DELAYED else 0
            report = self._reporter.report(entries, troubles, action, until)
            if report is not None:
                plan.reports.append(report)
            elif action is Action.FAILED:
                self._log.warning(
                    "nobody told",
                    queue=entries[0].name,
                    sender=entries[0].reverse_path,
                    recipients=len(troubles),
                )
        return plan

    def _move(self, plan: Plan, entry: Entry, outcome: Outcome) -> None:
        if isinstance(outcome, Relayed):
            plan.moves.append(Move(entry.number, State.RELAYED))
        elif isinstance(outcome, Expanded):
            plan.moves.append(Move(entry.number, State.EXPANDED))
            origin = derived(entry.name, (entry.number,), Action.EXPANDED)
            plan.copies.append(Copy(origin, outcome.recipients))
        elif isinstance(outcome, Failed):
            self._fail(plan, entry, outcome.trouble)
        else:
            self._put_off(plan, entry, outcome)

    def _fail(self, plan: Plan, entry: Entry, trouble: Trouble) -> None:
        plan.moves.append(Move(entry.number, State.FAILED, trouble))
        plan.failed[entry.number] = trouble

    def _put_off(self, plan: Plan, entry: Entry, outcome: Deferred) -> None:
        trouble = outcome.trouble
        retry = self.schedule.after(
            entry.received,
            entry.tries + 1,
            bool(entry.warned),
            int(self._now()),
            self._chance(),
            outcome.not_before,
        )
        if self.in_doubt():
            retry = Retry(int(self._now() + self.schedule.first), warn=False)
        if retry is None:
            reason = f"Given up after {_duration(self.schedule.give_up_after)}: {trouble.reason}"
            self._fail(plan, entry, replace(trouble, reason=reason))
            return
        plan.moves.append(Move(entry.number, State.DEFERRED, trouble, retry.due, retry.warn))
        if retry.warn:
            plan.warned[entry.number] = trouble

    async def _conclude(
        self,
        message: int,
        name: str,
        lease: str,
        plan: Plan,
        addresses: Mapping[int, str],
        outcomes: Mapping[int, Outcome],
    ) -> bool:
        unit = conclude(
            message,
            lease,
            plan.moves,
            int(self._now()),
            tuple(plan.reports),
            tuple(plan.copies),
            self._outgoing,
        )
        try:
            await self._store.write(unit)
        except LeaseLost:
            self._log.warning("lease lost", queue=name, recipients=len(plan.moves))
            return False
        for move in plan.moves:
            fields = dict(_told(move, outcomes[move.number]))
            self._log.info(move.state.value, queue=name, recipient=addresses[move.number], **fields)
        return True


def _told(move: Move, outcome: Outcome) -> Iterator[tuple[str, object]]:
    if isinstance(outcome, Relayed):
        yield from {"remote": outcome.remote, "reply": outcome.reply}.items()
    if move.trouble is not None:
        trouble = move.trouble
        yield from {"status": trouble.status, "reason": trouble.reason}.items()
        yield from {"remote": trouble.remote, "reply": trouble.reply}.items()
    if move.due:
        yield "due", move.due


def _duration(seconds: float) -> str:
    for unit, name in ((DAY, "day"), (HOUR, "hour")):
        if seconds >= unit:
            number = round(seconds / unit)
            return f"{number} {name}{'s' * (number != 1)}"
    return f"{round(seconds)} seconds"
