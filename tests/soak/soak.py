"""The run: a site under load, measured, then loaded at four fifths of that while things fail.

    site ◀─SMTP── senders            site ──▶ sinks (other sites), found by a name server
    site ◀─submission── submitters   site ──▶ readers by IMAP and POP3, owners of mailboxes

At its end every letter is accounted for.
"""

from __future__ import annotations

import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.clients import Client
from tests.system.net import Net
from tests.system.server import SOURCE, Server

from .clients import Fetcher, Owner, Reader, Reports, Run, Sender, Submitter
from .control import VARIABLE, Control
from .ledger import Account, settle
from .machine import Machine, Memory, queued, schedule, wait
from .sinks import Sink

DOMAIN = "soak.example"
READ_BY_IMAP = [f"reader{number}@{DOMAIN}" for number in range(3)]
READ_BY_POP3 = [f"fetcher{number}@{DOMAIN}" for number in range(2)]
OWNERS = [f"owner{number}@{DOMAIN}" for number in range(2)]
SUBMITTERS = [f"submitter{number}@{DOMAIN}" for number in range(2)]
SENDERS = 3
LOAD = 0.8  # of what was measured
PATIENCE = 240.0  # seconds for what is left at the end: longer than a lease
TTL = 2  # seconds that an answer of the name server may be kept
#: What the log may say of errors that the run has made itself.
EXPECTED = {
    "checkpoints fail",
    "telling of late letters failed",
    "nothing can be written",
    "worker died",
    "indexing failed",
    "sweeping failed",
    "reminding failed",
    "delivery failed",
    "local delivery failed",
    "outcome not written, may be sent more than once",
    "the search index is damaged and made anew",
}


@dataclass
class Outcome:
    """What a run has come to."""

    account: Account
    rates: dict[str, float]
    happened: Counter[str]
    memory: Memory
    wrong: list[str]
    refusals: Counter[str]
    done: Counter[str]
    events: Counter[str]  # of the log, by level and name
    seconds: float
    idle: Counter[str] = field(default_factory=Counter)


@dataclass
class Soak:
    """One run."""

    net: Net
    folder: Path
    seconds: float
    seed: int

    def prepare(self) -> None:
        """The site, its accounts, the other sites."""
        self.control = Control(self.folder / "faults")
        root, data = SOURCE.parent, self.folder / "data"
        data.mkdir()
        # For the command line too: the hash is not what is tested.
        (data / "posthouse.toml").write_text("[passwords]\nmemory = 64\npasses = 1\n")
        self.server = self.net.site(
            DOMAIN,
            {"relay.connections_per_next_hop": 5},
            workers=2,
            data=data,
            command=(sys.executable, "-m", "tests.soak.served"),
            environment={
                VARIABLE: str(self.control.path),
                "PYTHONPATH": f"{SOURCE}:{root}",
            },
        )
        self.server.add_accounts([*READ_BY_IMAP, *READ_BY_POP3, *OWNERS, *SUBMITTERS])
        host, _, port = str(self.server._settings["listen.smtp"]).rpartition(":")
        self.run = Run(self.server, control=self.control, smtp=(host, int(port)))
        self.machine = Machine(self.run, self.net.dns, random.Random(self.seed))
        self.memory = Memory()
        self._sinks()
        self.sending: list[Client] = [
            *(Sender(self.run, f"{n}", [*READ_BY_IMAP, *READ_BY_POP3]) for n in range(SENDERS)),
            *(Submitter(self.run, each, self.addressees, each) for each in SUBMITTERS),
            *(Owner(self.run, each, each) for each in OWNERS),
        ]
        self.readers: list[Client] = [
            *(Reader(self.run, each) for each in READ_BY_IMAP),
            *(Fetcher(self.run, each) for each in READ_BY_POP3),
            *(Reports(self.run, each) for each in SUBMITTERS),
        ]

    def _sinks(self) -> None:
        """Sites that take everything, something, and nothing; and one of ours."""
        self.addressees = []
        for domain, script, reluctant, addresses in (
            ("willing.example", "", 0.0, 6),
            ("later.example", "", 0.15, 3),
            ("never.example", "RCPT 550 5.1.1 nobody here", 0.0, 1),
        ):
            host, address = f"mx.{domain}", self.net.address()
            self.net.dns.set(domain, "MX", f"10 {host}", ttl=TTL)
            self.net.dns.set(host, "A", address, ttl=TTL)
            sink = Sink(
                *(address, self.net.port, script),
                name=host, ledger=self.run.ledger, reluctant=reluctant,
            )  # fmt: skip
            self.net.add(sink)
            self.addressees += [f"user{number}@{domain}" for number in range(addresses)]
        self.addressees.append(READ_BY_IMAP[0])

    # The phases

    def go(self) -> Outcome:
        self.begun = time.monotonic()
        for owner in self.sending:
            if isinstance(owner, Owner):
                owner.make_mailbox()
        for client in (*self.readers, *self.sending):
            client.start()
        rates = self.measure(min(30.0, self.seconds / 6))
        self.load()
        self.finish()
        account = settle(self.run.ledger)
        events = self.look_at_log()
        ledger = self.run.ledger
        wrong = [*ledger.wrong, *map(repr, self.run.failures)]
        idle: Counter[str] = Counter()
        for each in self.readers:
            if isinstance(each, Reader):
                idle.update(told=each.told, slept=each.slept)
        return Outcome(
            account, rates, self.machine.happened, self.memory, wrong, ledger.refusals,
            ledger.done, events, time.monotonic() - self.begun, idle,
        )  # fmt: skip

    def measure(self, seconds: float) -> dict[str, float]:
        """As fast as it goes, then until all of that has arrived; the rates of the load."""
        run, done = self.run, self.run.ledger.done
        begun, before = time.monotonic(), done.copy()
        wait(seconds, run.failures, run.ended)
        run.letters.hold()
        run.submissions.hold()
        commands = (done["imap"] - before["imap"]) / (time.monotonic() - begun)
        run.commands.hold()
        self.until_quiet("after the measurement")
        took = time.monotonic() - begun
        rates = {
            "letters by SMTP": (done["smtp"] - before["smtp"]) / took,
            "submissions": (done["submission"] - before["submission"]) / took,
            "IMAP commands": commands,
        }
        for pace, rate in zip(
            (run.letters, run.submissions, run.commands), rates.values(), strict=True
        ):
            pace.set(LOAD * max(rate, 0.5))
            pace.go_on()
        print("measured: " + ", ".join(f"{rate:.0f} {what}/s" for what, rate in rates.items()))
        return rates

    def load(self) -> None:
        """All that happens, at its time."""
        begun = time.monotonic()
        events = schedule(self.machine, self.seconds)
        step = max(2.0, self.seconds / 90)
        looked = 0.0
        while (now := time.monotonic() - begun) < self.seconds and not self.run.failures:
            while events and events[0].at <= now:
                events.pop(0).do()
            if now >= looked:
                looked = now + step
                self.tell(now)
            next_at = events[0].at if events else self.seconds
            wait(min(next_at, looked) - now, self.run.failures, self.run.ended)
        for event in events if not self.run.failures else ():  # what a late machine has left
            if event.name != "kill":
                event.do()

    def tell(self, now: float) -> None:
        """How it goes, in a line."""
        done = self.run.ledger.done
        read = done["read by IMAP"] + done["read by POP3"]
        relayed = len(self.run.ledger.relayed)
        held = self.memory.look(self.server, now)
        print(
            f"{now:6.0f} s  {done['smtp']:7} by SMTP {done['submission']:6} submitted {read:7} read"
            f" {relayed:6} relayed {queued(self.server.data):5} queued  "
            + " ".join(f"{octets / 2**20:.0f}" for octets in held)
            + f" MB  {', '.join(sorted(self.machine.now_wrong))}",
            flush=True,
        )

    def finish(self) -> None:
        """No more letters; those that are here find their way; then nobody works any more."""
        self.run.ended.set()
        for client in self.sending:
            client.join(PATIENCE)
            assert not client.is_alive(), f"{client} does not end"
        self.until_quiet("at the end")
        self.run.reading.set()
        for client in self.readers:
            client.join(PATIENCE)
            assert not client.is_alive(), f"{client} does not end"

    def until_quiet(self, when: str) -> None:
        """Nothing is in the queue, and everything has been read."""
        run = self.run
        end = time.monotonic() + PATIENCE
        while (left := queued(self.server.data) or run.ledger.waiting) and not run.failures:
            if time.monotonic() > end:
                run.ledger.complain(f"{when} {left} letters were still on their way")
                return
            wait(0.5, run.failures, threading.Event())

    def look_at_log(self) -> Counter[str]:
        """No traceback, and no error that nobody has made."""
        events: Counter[str] = Counter()
        for line in self.server.log().splitlines():
            if "Traceback" in line:
                self.run.ledger.complain(f"in the log: {line}")
            found = re.search(r'level=(\w+) event=("[^"]*"|\S+)', line)
            if found is None:
                continue
            level, event = found[1], found[2].strip('"')
            events[f"{level} {event}"] += 1
            if level in ("error", "critical") and event.partition(";")[0] not in EXPECTED:
                self.run.ledger.complain(f"in the log: {line}")
        return events


@contextmanager
def prepared(folder: Path, seconds: float, seed: int) -> Iterator[Soak]:
    with ExitStack() as stack:
        net = stack.enter_context(Net())
        soak = Soak(net, folder, seconds, seed)
        soak.prepare()
        try:
            yield soak
        finally:
            soak.run.ended.set()
            soak.run.reading.set()


def slope(samples: Sequence[tuple[float, int]]) -> float:
    """Octets a second, by least squares."""
    count = len(samples)
    mean_at = sum(at for at, _ in samples) / count
    mean = sum(octets for _, octets in samples) / count
    spread = sum((at - mean_at) ** 2 for at, _ in samples)
    return sum((at - mean_at) * (octets - mean) for at, octets in samples) / spread


def table(outcome: Outcome) -> str:
    """For people."""
    account = outcome.account
    rows = [
        ("seconds", f"{outcome.seconds:.0f}"),
        *((f"measured, {what}/s", f"{rate:.1f}") for what, rate in outcome.rates.items()),
        *(sorted((what, str(times)) for what, times in outcome.happened.items())),
        *(sorted((f"done: {what}", str(times)) for what, times in outcome.done.items())),
        ("letters promised", str(account.promised)),
        ("letters refused", str(account.refused)),
        ("letters without an answer", f"{account.unanswered}, {account.unanswered_there} there"),
        ("in mailboxes", str(account.deliveries)),
        ("relayed", f"{account.relayed}, more than once {account.twice}"),
        ("reported as failed", str(account.reported)),
        ("IDLE", f"told {outcome.idle['told']}, looked unasked {outcome.idle['slept']}"),
        *((f"log: {event}", str(times)) for event, times in sorted(outcome.events.items())
          if not event.startswith("info")),
        *((f"said: {words}", str(times)) for words, times in outcome.refusals.most_common(20)),
    ]  # fmt: skip
    samples = outcome.memory.oldest()
    if len(samples) > 2:
        held = [octets / 2**20 for _, octets in samples]
        rows.append(("memory of the oldest worker, MB", f"{held[0]:.1f} to {held[-1]:.1f}"))
        rows.append(("its life, s", f"{samples[-1][0] - samples[0][0]:.0f}"))
        settled = samples[len(samples) // 3 :]
        rows.append(("its growth when warm, kB/min", f"{slope(settled) * 60 / 1024:.0f}"))
    width = max(len(what) for what, _ in rows)
    return "\n".join(f"{what:{width}}  {value}" for what, value in rows)


def site_log(server: Server, most: int = 60) -> str:
    """The end of what it has logged."""
    return "\n".join(server.log().splitlines()[-most:])
