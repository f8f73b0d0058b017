"""Killed at random moments under load: what was answered is there, once; what was refused is not.

The real server, with two workers; senders by SMTP and owners of mailboxes by IMAP go on while all
workers, one of them, or the parent are killed by SIGKILL.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.system.server import Server
from tests.system.user import SETTINGS

from .clients import PATIENCE, Load, Owner, Sender, read_inbox
from .letters import content_of

RECIPIENTS = [f"recipient{number}@localhost" for number in range(4)]
OWNERS = [f"owner{number}@localhost" for number in range(2)]
SENDERS = 4
MOST_BETWEEN = 60  # answers between two kills
ALL = ["all workers"]
OTHERS = ["a worker", "the parent"]
SERVICES = ("smtp", "imap")


@dataclass
class Report:
    """What came of the letters and commands of a run."""

    kills: Counter[str] = field(default_factory=Counter)
    promised: int = 0
    refused: int = 0
    unanswered: int = 0
    unanswered_there: int = 0
    commands: int = 0
    commands_done: int = 0

    def __str__(self) -> str:
        kills = ", ".join(f"{count} x {what}" for what, count in self.kills.items())
        return (
            f"killed {kills}; letters: {self.promised} promised, {self.refused} refused,"
            f" {self.unanswered} without an answer, of which {self.unanswered_there} are there;"
            f" IMAP: {self.commands} commands promised, {self.commands_done} done without an answer"
        )


def kill(server: Server, what: str) -> None:
    match what:
        case "all workers":
            while not server.kill_workers():
                time.sleep(0.01)  # they are just being started
        case "a worker":
            while not (workers := server.pids()):
                time.sleep(0.01)
            os.kill(workers[0], signal.SIGKILL)
        case "the parent":
            workers = server.pids()
            os.kill(server.pid, signal.SIGKILL)
            wait_until_gone(workers)
            server.restart(at_once=True)


def wait_until_gone(pids: list[int]) -> None:
    """Workers do not outlive their parent."""
    deadline = time.monotonic() + PATIENCE
    while any(map(lives, pids)):
        assert time.monotonic() < deadline, f"{pids} have outlived their parent"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # it has ended, though nobody has asked how


def under_load(server: Server, kills: list[str], chance: random.Random) -> Report:
    """Kill these while clients work; then look at everything."""
    load, report = Load(server), Report()
    senders = [Sender(load, f"sender {n} {chance.random()}", RECIPIENTS) for n in range(SENDERS)]
    owners = [Owner(load, f"{address} {chance.random()}", address) for address in OWNERS]
    for owner in owners:
        owner.make_mailbox()
    for client in (*senders, *owners):
        client.start()
    chance.shuffle(kills)
    for what in kills:
        while load.answered.acquire(blocking=False):
            pass  # it was answered before the last kill
        for _ in range(chance.randint(1, MOST_BETWEEN)):
            assert load.answered.acquire(timeout=PATIENCE), f"nobody was served\n{server.log()}"
        time.sleep(chance.random() / 50)  # so that it is not always at an answer
        kill(server, what)
        report.kills[what] += 1
    load.ended.set()
    for client in (*senders, *owners):
        client.join(PATIENCE)
        assert not client.is_alive(), f"{client} does not end\n{server.log()}"
    assert not load.failures, load.failures
    wait_for_deliveries(server)
    look_at_letters(server, senders, report)
    look_at_mailboxes(owners, report)
    return report


def wait_for_deliveries(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while "[]" not in (listed := server.run("queue", "list", "--json")):
        assert time.monotonic() < deadline, f"these wait in the queue: {listed}"


def look_at_letters(server: Server, senders: list[Sender], report: Report) -> None:
    found = {address: Counter(numbers(server, address)) for address in RECIPIENTS}
    for number, fate in ((n, fate) for sender in senders for n, fate in sender.fates.items()):
        times = [found[address].pop(number, 0) for address in fate.recipients]
        if fate.reply == 250:
            report.promised += 1
            assert times == [1] * len(times), f"letter {number}: {times} times, promised was one"
        elif fate.reply or not fate.sent:
            report.refused += 1
            assert not any(times), f"letter {number}, {fate}, is there {times} times"
        else:
            report.unanswered += 1
            report.unanswered_there += any(times)
            assert times in ([0] * len(times), [1] * len(times)), f"letter {number}: {times} times"
    for address, others in found.items():
        assert not others, f"{others} were not for {address}"


def numbers(server: Server, address: str) -> Iterator[int]:
    """Which letters an INBOX has; each must be whole."""
    for octets in read_inbox(server, address):
        start = octets.index(b"Message-ID: <")
        number = int(octets[start + 13 : octets.index(b"@", start)])
        assert octets[start:] == content_of(number), f"letter {number} is not whole"
        yield number


def look_at_mailboxes(owners: list[Owner], report: Report) -> None:
    for owner in owners:
        with owner.log_in():
            owner.look()
        report.commands += owner.promises
        report.commands_done += owner.done


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(workers=2, settings=SETTINGS, services=SERVICES) as running:
        running.add_accounts([*RECIPIENTS, *OWNERS])
        yield running


def test_attack_61_killed_ten_times(server: Server) -> None:
    report = under_load(server, [*ALL * 10, *OTHERS], random.Random())
    print(report)
    assert report.promised


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_very_often(server: Server) -> None:
    report = under_load(server, [*ALL * 120, *OTHERS * 15], random.Random())
    print(report)
