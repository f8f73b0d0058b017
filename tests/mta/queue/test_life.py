"""The life of queued letters: any history of work, with deaths at every statement.

Each unit of work first dies before each of its statements, and must leave no trace; then it runs.
Leases run out as time jumps, and whoever had them tries to settle all the same. Triggers write
down every change of state. What must be true after each step: nothing is lost, nothing local is
doubled, no state is reached but by the table, and each report is made once.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from posthouse.mda.delivery import Delivery, Taken, deliver
from posthouse.message.reports.dsn import Action
from posthouse.message.summary import summarise
from posthouse.mta.queue.concluding import LeaseLost, Report, conclude, name_of
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.listing import Entry, list_queue, recipients_of
from posthouse.mta.queue.next_hops import Memory, forget, remember, remembered
from posthouse.mta.queue.operating import end, hold, release, retry
from posthouse.mta.queue.outcome import (
    Deferred,
    Expanded,
    Failed,
    Outcome,
    Relayed,
    Trouble,
)
from posthouse.mta.queue.relaying import (
    due_next_hops,
    extend,
    give_back,
    late_next_hops,
    lease_late,
    lease_next_hop,
    next_due,
)
from posthouse.mta.queue.schedule import DAY, HOUR, Schedule
from posthouse.mta.queue.selection import Selection
from posthouse.mta.queue.states import ENDED, TRANSITIONS, Mover, State
from posthouse.mta.queue.units import accept, lease_local, local_due, release_leases
from posthouse.mta.report.reporter import Reporter
from posthouse.mta.report.settlement import Plan, Settlement
from posthouse.runtime.log import open_log
from posthouse.store.contents import prepare
from posthouse.store.store import Store
from posthouse.store.unit import Unit

from .site import NOON, Died, dying, found, statements

T = TypeVar("T")

LEASE = 60
SENDERS = ("ann@a.example", "far@z.example", "")
TARGETS = (
    Recipient("ann@a.example", "a.example", 1),
    Recipient("x@b.example", "b.example"),
    Recipient("y@b.example", "b.example"),
    Recipient("z@c.example", "c.example"),
)
HOPS = ("b.example", "c.example", "z.example")
TROUBLE = Trouble("It did not take it.", "4.2.0", "mx.example", "450 4.2.0 later")
OUTCOMES: tuple[Outcome, ...] = (
    Relayed("mx.example", "250 ok"),
    Failed(Trouble("It does not take it.", "5.1.1", "mx.example", "550 5.1.1 no")),
    Deferred(TROUBLE),
    Deferred(TROUBLE),
    Expanded((Recipient("new@c.example", "c.example"),)),
)
TRIGGERS = """
CREATE TEMP TABLE moved (old TEXT, new TEXT);
CREATE TEMP TABLE made (origin TEXT);
CREATE TEMP TRIGGER born AFTER INSERT ON main.queue_recipient
    BEGIN INSERT INTO moved VALUES (NULL, NEW.state); END;
CREATE TEMP TRIGGER moves AFTER UPDATE ON main.queue_recipient
    BEGIN INSERT INTO moved VALUES (OLD.state, NEW.state); END;
CREATE TEMP TRIGGER gone AFTER DELETE ON main.queue_recipient
    BEGIN INSERT INTO moved VALUES (OLD.state, 'gone'); END;
CREATE TEMP TRIGGER makes AFTER INSERT ON main.queue_message WHEN NEW.origin <> ''
    BEGIN INSERT INTO made VALUES (NEW.origin); END;
"""
DUMP = (
    "SELECT * FROM queue_message",
    "SELECT * FROM queue_recipient",
    "SELECT * FROM queue_next_hop",
    "SELECT id, refs FROM content",
    "SELECT account, mailbox, uid, content FROM message",
    "SELECT * FROM moved",
)
WRONG_REFS = """
SELECT id FROM content AS c WHERE refs <>
    (SELECT count(*) FROM queue_message WHERE content = c.id)
  + (SELECT count(*) FROM message WHERE content = c.id)
"""

Key = tuple[str, int]  # letter's name, recipient's number


@dataclass
class Held:
    """What a worker believes to have."""

    message: int
    name: str
    token: str
    numbers: list[int]
    content: int = 0  # of those of this site
    local: bool = False


@dataclass
class Known:
    """What the model knows of a letter."""

    name: str
    sender: str
    received: int
    recipients: Sequence[Recipient]
    warned: set[int] = field(default_factory=set)


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="queue-"))
        self.store = found(self.directory)
        self.sql = self.store._connection
        self.sql.execute(TRIGGERS)
        self.sql.execute("PRAGMA synchronous = OFF")
        self.now = NOON
        self.letters: dict[str, Known] = {}
        self.waiting: set[Key] = set()
        self.filed: Counter[str] = Counter()
        self.origins: list[str] = []
        self.held: list[Held] = []
        self.tokens = 0
        self.generation = 0
        reporter = Reporter(self.store, "mx.a.example", lambda: self.now)
        log = open_log(write=lambda _: None)
        self.settlement = Settlement(
            cast("Store", self.store), reporter, Schedule(), lambda: self.now, lambda: 0.5, log
        )
        self.reporter = reporter

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.directory)

    # Units

    def perform(self, unit: Unit[T], *movers: Mover) -> T:
        """Die before each statement and leave no trace; then do it, as these movers may."""
        before = self.dump()
        for place in range(statements(self.store, unit)):
            try:
                self.store.write(dying(unit, place))
            except Died:
                assert self.dump() == before
            else:
                raise AssertionError("it has fewer statements the second time")
        self.sql.execute("DELETE FROM moved")
        answer = self.store.write(unit)
        for old, new in self.rows("SELECT old, new FROM moved"):
            self.check_move(old, new, set(movers))
        return answer

    def check_move(self, old: str | None, new: str, movers: set[Mover]) -> None:
        if old == new:
            return
        source = None if old is None else State(old)
        if source is None:
            movers = movers | {Mover.ACCEPTANCE}
        targets = ENDED if new == "gone" else {State(new)}
        allowed = {mover for target in targets for mover in TRANSITIONS.get((source, target), ())}
        assert allowed & movers, f"{old} to {new} by {movers}"

    def lost(self, unit: Unit[object]) -> None:
        """A unit of somebody whose lease is over: it changes nothing."""
        before = self.dump()
        try:
            answer = self.store.write(unit)
        except LeaseLost:
            answer = []
        assert not answer
        assert self.dump() == before

    def dump(self) -> list[list[tuple[Any, ...]]]:
        return [self.rows(sql) for sql in DUMP]

    def rows(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        return self.sql.execute(sql, arguments).fetchall()

    # Letters come

    @initialize()
    def begin(self) -> None:
        self.take_in_one(0, [0, 1], leased=False)

    @rule(
        sender=st.integers(0, 2),
        people=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True),
        leased=st.booleans(),
    )
    def take_in(self, sender: int, people: list[int], leased: bool) -> None:
        self.take_in_one(sender, people, leased=leased)

    def take_in_one(self, sender: int, people: list[int], *, leased: bool) -> None:
        name = f"L{len(self.letters)}"
        recipients = [TARGETS[each] for each in people]
        letter = Letter(SENDERS[sender], prepare(f"Subject: {name}\r\n\r\n".encode()), "test")
        token = self.token() if leased else ""
        message, content, _ = self.perform(
            accept(name, letter, recipients, self.now, token, self.now + LEASE), Mover.ACCEPTANCE
        )
        self.know(name, SENDERS[sender], recipients, self.now)
        here = [number for number, each in enumerate(recipients) if each.account]
        if leased and here:
            self.held.append(Held(message, name, token, here, content, local=True))

    def know(self, name: str, sender: str, recipients: Sequence[Recipient], received: int) -> None:
        self.letters[name] = Known(name, sender, received, recipients)
        self.waiting |= {(name, number) for number in range(len(recipients))}

    # Workers

    def token(self, fresh: bool = True) -> str:
        self.tokens += fresh
        return f"w0-{self.generation}-{self.tokens}"

    @rule(hop=st.sampled_from(HOPS), most=st.integers(1, 3), data=st.data())
    def relay(self, hop: str, most: int, data: st.DataObject) -> None:
        """As it goes nearly always."""
        had = len(self.held)
        self.lease_from(hop, most)
        for held in self.held[had:]:
            self.held.remove(held)
            self.settle_as(held, self.outcomes(held, data))

    @rule(hop=st.sampled_from(HOPS), most=st.integers(1, 3))
    def lease(self, hop: str, most: int) -> None:
        self.lease_from(hop, most)

    def lease_from(self, hop: str, most: int) -> None:
        due = self.store.read(due_next_hops(self.now))
        token = self.token()
        others = self.rows("SELECT * FROM queue_recipient WHERE account > 0 OR domain <> ?1", hop)
        taken = self.perform(
            lease_next_hop(hop, token, self.now, self.now + LEASE, most),
            Mover.WORKER,
            Mover.CLOCK,
        )
        memory = self.store.read(remembered(hop))
        if memory is None or memory.until <= self.now:
            assert bool(taken) == (hop in due)
        else:
            assert hop not in due
        assert len(taken) <= most
        assert others == self.rows(
            "SELECT * FROM queue_recipient WHERE account > 0 OR domain <> ?1", hop
        )
        self.held += [
            Held(each.message, each.name, token, [one.number for one in each.recipients])
            for each in taken
        ]

    @rule(fresh=st.booleans())
    def lease_here(self, fresh: bool) -> None:
        """The token of local delivery is the worker's own, for all its leases."""
        due = self.store.read(local_due(self.now))
        token = self.token(fresh)
        taken = self.perform(
            lease_local(token, self.now, self.now + LEASE, 50), Mover.WORKER, Mover.CLOCK
        )
        assert bool(taken) == due
        for each in taken:
            self.held.append(
                Held(each.message, each.name, token, [each.number], each.content, True)
            )

    def has(self, held: Held) -> bool:
        """What the table says of it: all of it is still leased by this token."""
        rows = self.rows(
            "SELECT number FROM queue_recipient AS r JOIN queue_message AS m ON m.id = r.message"
            " WHERE m.id = ?1 AND m.name = ?2 AND state = 'leased' AND lease = ?3",
            held.message,
            held.name,
            held.token,
        )
        return {row[0] for row in rows} >= set(held.numbers)

    @precondition(lambda self: any(not each.local for each in self.held))
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """Who has a lease, or had it, says what came of it."""
        held = data.draw(st.sampled_from([each for each in self.held if not each.local]))
        self.held.remove(held)
        if data.draw(st.booleans(), label="says it twice"):
            self.held.append(held)
        self.settle_as(held, self.outcomes(held, data))

    def outcomes(self, held: Held, data: st.DataObject) -> dict[int, Outcome]:
        return {
            number: data.draw(st.sampled_from(OUTCOMES), label=f"{held.name} {number}")
            for number in held.numbers
        }

    def settle_as(self, held: Held, outcomes: dict[int, Outcome]) -> None:
        if not self.has(held):
            moves = Plan()
            if (held.name, held.numbers[0]) in self.waiting:
                moves = self.settlement.plan(self.entries(held), outcomes)
            self.lost(self.concluding(held, moves))
            return
        plan = self.settlement.plan(self.entries(held), outcomes)
        self.lost(self.concluding(Held(held.message, "", "another", held.numbers), plan))
        self.perform(self.concluding(held, plan), Mover.WORKER)
        self.learn(held, outcomes, plan)

    def entries(self, held: Held) -> list[Entry]:
        return self.store.read(list_queue(Selection((held.name,))))

    def concluding(self, held: Held, plan: Plan) -> Unit[None]:
        moves = plan.moves or [_relayed(number) for number in held.numbers]
        return conclude(held.message, held.token, moves, self.now, plan.reports, plan.copies)

    def learn(self, held: Held, outcomes: dict[int, Outcome], plan: Plan) -> None:
        """The same conclusions, drawn by the model."""
        letter = self.letters[held.name]
        failed, warned, copies = set(), set(), 0
        for number, outcome in outcomes.items():
            if isinstance(outcome, Deferred) and self.now < letter.received + 5 * DAY:
                if self.now >= letter.received + 4 * HOUR and number not in letter.warned:
                    warned.add(number)
                continue
            self.waiting.remove((held.name, number))
            if isinstance(outcome, Failed | Deferred):
                failed.add(number)
            copies += isinstance(outcome, Expanded)
        letter.warned |= warned
        expected = bool(failed) + bool(warned) if letter.sender else 0
        assert len(plan.reports) == expected
        assert len(plan.copies) == copies
        for report in plan.reports:
            self.learn_report(report, letter)
        for copy in plan.copies:
            self.origins.append(copy.origin)
            self.know(name_of(copy.origin), letter.sender, copy.recipients, letter.received)

    def learn_report(self, report: Report, letter: Known) -> None:
        assert [each.forward_path for each in report.recipients] == [letter.sender]
        self.origins.append(report.origin)
        self.know(name_of(report.origin), "", report.recipients, self.now)

    @precondition(lambda self: any(each.local for each in self.held))
    @rule(data=st.data(), works=st.sampled_from([True, True, False]))
    def deliver_here(self, data: st.DataObject, works: bool) -> None:
        held = data.draw(st.sampled_from([each for each in self.held if each.local]))
        self.held.remove(held)
        if data.draw(st.booleans(), label="says it twice"):
            self.held.append(held)
        if not works:
            self.settle_as(held, dict.fromkeys(held.numbers, Deferred(TROUBLE)))
            return
        unit = deliver(
            self.taken(held),
            held.token,
            [Delivery(number, 1, b"") for number in held.numbers],
            summarise(f"Subject: {held.name}\r\n\r\n".encode()),
            self.now,
        )
        if not self.has(held):
            self.lost(unit)
            return
        assert self.perform(unit, Mover.WORKER) == held.numbers
        for number in held.numbers:
            self.waiting.remove((held.name, number))
            self.filed[held.name] += 1

    def taken(self, held: Held) -> Taken:
        """What the worker read when it took the letter."""
        sizes = self.rows("SELECT size FROM content WHERE id = ?1", held.content)
        return Taken(held.message, held.content, sizes[0][0], held.name)

    @precondition(lambda self: bool(self.held))
    @rule(data=st.data(), longer=st.booleans())
    def keep_or_give_back(self, data: st.DataObject, longer: bool) -> None:
        held = data.draw(st.sampled_from(self.held))
        if longer:
            self.perform(extend([held.message], held.token, self.now + LEASE), Mover.WORKER)
        else:
            self.perform(give_back(held.message, held.token, self.now + 5), Mover.CLOCK)

    @rule(hop=st.sampled_from(HOPS))
    def hop_is_dead(self, hop: str) -> None:
        rows = self.rows("SELECT * FROM queue_recipient")
        self.perform(remember([hop], Memory(self.now + HOUR, 1, TROUBLE), self.now))
        assert hop not in self.store.read(due_next_hops(self.now))
        assert rows == self.rows("SELECT * FROM queue_recipient")

    @rule(hop=st.sampled_from(HOPS))
    def hop_lives(self, hop: str) -> None:
        self.perform(forget([hop]))

    @rule(hop=st.sampled_from(HOPS))
    def late(self, hop: str) -> None:
        """Who waits for a next hop that is left alone is told all the same."""
        give_up, warn = self.now - 5 * DAY, self.now - 4 * HOUR
        late = self.store.read(late_next_hops(self.now, give_up, warn))
        token, until = self.token(), self.now + LEASE
        taken = self.perform(
            lease_late(hop, token, self.now, until, give_up, warn, 2), Mover.WORKER, Mover.CLOCK
        )
        assert taken or hop not in late
        for each in taken:
            numbers = [one.number for one in each.recipients]
            assert each.received <= warn
            self.settle_as(
                Held(each.message, each.name, token, numbers),
                dict.fromkeys(numbers, Deferred(TROUBLE)),
            )

    @rule()
    def worker_dies(self) -> None:
        """And starts again. What it believed to have, it may still try."""
        self.generation += 1
        self.perform(release_leases("w0-"), Mover.CLOCK)

    @rule(seconds=st.sampled_from([1, LEASE + 1, 10 * 60, HOUR, 5 * HOUR, 6 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    # The operator

    @rule(hop=st.sampled_from(("c.example", "local")))
    def hold(self, hop: str) -> None:
        self.perform(hold(Selection(next_hop=hop)), Mover.OPERATOR)

    @rule()
    def release(self) -> None:
        self.perform(release(Selection(), self.now), Mover.OPERATOR)

    @rule()
    def retry(self) -> None:
        self.perform(retry(Selection(), self.now), Mover.OPERATOR)

    @precondition(lambda self: len(self.waiting) > 5)
    @rule(data=st.data(), told=st.booleans())
    def end(self, data: st.DataObject, told: bool) -> None:
        """Remove or bounce what waits of a letter; all of it or nothing."""
        name, _ = data.draw(st.sampled_from(sorted(self.waiting)))
        entries = self.store.read(list_queue(Selection((name,))))
        assert entries == self.store.read(recipients_of(entries[0].message))
        numbers = [each.number for each in entries]
        report = None
        if told:
            troubles = dict.fromkeys(numbers, Trouble("Ended.", "5.0.0"))
            report = self.reporter.report(entries, troubles, Action.FAILED)
        ended = self.perform(end(entries[0].message, numbers, self.now, report), Mover.OPERATOR)
        leased = any(each.state == State.LEASED for each in entries)
        assert ended == (0 if leased else len(numbers))
        if ended:
            self.waiting -= {(name, number) for number in numbers}
            assert report is None or self.letters[name].sender
            if report is not None:
                self.learn_report(report, self.letters[name])

    # What is always true

    @invariant()
    def nothing_is_lost(self) -> None:
        rows = self.rows(
            "SELECT m.name, r.number FROM queue_message AS m LEFT JOIN queue_recipient AS r"
            " ON r.message = m.id"
        )
        assert set(rows) == self.waiting
        assert len(rows) == len(self.waiting)

    @invariant()
    def nothing_is_stuck(self) -> None:
        """Whatever is not held will be found by somebody, if only all leases run out."""
        far = self.now + 100 * DAY
        hops = set(self.store.read(due_next_hops(far)))
        free = self.rows("SELECT domain, account FROM queue_recipient WHERE state <> 'held'")
        assert hops == {domain for domain, account in free if not account}
        assert self.store.read(local_due(far)) == any(account for _, account in free)
        due = self.store.read(next_due(self.now))
        assert due is None or due > self.now

    @invariant()
    def nothing_local_is_doubled(self) -> None:
        rows = self.rows(
            "SELECT header FROM message AS m JOIN content_octets AS o ON o.content = m.content"
        )
        filed = Counter(_name(header) for (header,) in rows)
        assert sum(filed.values()) == sum(self.filed.values())
        for name, count in filed.items():
            assert not name.startswith("L") or count == self.filed[name] == 1

    @invariant()
    def reports_are_made_once(self) -> None:
        made = [row[0] for row in self.rows("SELECT origin FROM made")]
        assert sorted(made) == sorted(self.origins)
        assert len(set(made)) == len(made)

    @invariant()
    def contents_are_counted(self) -> None:
        assert self.rows(WRONG_REFS) == []


def _relayed(number: int) -> Any:
    from posthouse.mta.queue.concluding import Move

    return Move(number, State.RELAYED)


def _name(header: bytes) -> str:
    return header.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=20,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
