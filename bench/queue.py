"""`python -m bench.queue`: do 100,000 recipients at dead next hops delay the letters of others?

A Posthouse relays to some next hops that live, twice: with nothing else in its queue, and with many
recipients waiting for next hops of which a third refuses connections, a third never answers one,
and a third takes it and says nothing. Printed are the times from the reply that accepted a letter
to the moment at which its next hop has it, the memory of the worker, and what the worker does in a
second: CPU, questions to the name server, next hops that fail. Those that fail are soon tried again
(`relay.first_wait` is 10 seconds here, not 60), and so at least once while the letters go.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import smtplib
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.system.nameserver import NameServer
from tests.system.server import Server

from bench.letters import letter
from bench.load import sink as sinks
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.units import accept
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore
from posthouse.store.unit import Unit, Work

LIVE, DEAD = "live.example", "dead.example"
PARTS = 500  # letters in one unit of work
SLOW_FIRST = 2.0  # seconds that the server has to find its queue


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything."""

    recipients: int
    hops: int
    live: int
    rate: float
    seconds: float


class Hosts(threading.Thread):
    """The next hops that live; they note when each letter came."""

    def __init__(self, addresses: Sequence[str], port: int) -> None:
        super().__init__(daemon=True)
        self.came: dict[int, float] = {}
        self._loop = asyncio.new_event_loop()
        self._sockets = [socket.create_server((one, port), backlog=1024) for one in addresses]
        self.start()

    def run(self) -> None:
        self._loop.run_until_complete(self._listen())
        self._loop.run_forever()

    async def _listen(self) -> None:
        for bound in self._sockets:
            await self._loop.create_server(lambda: _Noting(self), sock=bound)


class _Noting(sinks.Connection):
    """Reads the number that a letter bears."""

    def __init__(self, hosts: Hosts) -> None:
        super().__init__(sinks.Sink())
        self._hosts = hosts

    def _answer(self, line: bytes) -> bytes:
        if self._taking and (found := re.search(rb"^X-Number: (\d+)", line, re.MULTILINE)):
            self._hosts.came[int(found[1])] = time.monotonic()
        return super()._answer(line)


class Dead:
    """Addresses of hosts that refuse, never answer, or say nothing."""

    def __init__(self, addresses: Sequence[str], port: int) -> None:
        self._open: list[socket.socket] = []
        for number, address in enumerate(addresses):
            if number % 3 == 1:  # SYN is not answered while the backlog is full
                self._listen(address, port, 0)
                for _ in range(2):
                    one = socket.socket()
                    one.setblocking(False)
                    one.connect_ex((address, port))
                    self._open.append(one)
            elif number % 3 == 2:  # the kernel takes the connection, nobody greets
                self._listen(address, port, 1000)

    def _listen(self, address: str, port: int, backlog: int) -> None:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, port))
        one.listen(backlog)
        self._open.append(one)

    def close(self) -> None:
        for one in self._open:
            one.close()


def fill(data: Path, plan: Plan, dead: Sequence[str]) -> None:
    """Letters to ten recipients each, at ten dead next hops."""
    store = DirectStore(data)
    now = int(time.time())
    content = letter(0)
    for first in range(0, plan.recipients, PARTS * 10):
        units = [
            accept(
                f"{number:012X}",
                Letter("", prepare(content), "bench"),
                [
                    Recipient(f"user{number}@{domain}", domain)
                    for domain in (dead[(number + each) % len(dead)] for each in range(10))
                ],
                now,
                "",
                0,
            )
            for number in range(first // 10, min(first + PARTS * 10, plan.recipients) // 10)
        ]
        store.write(together(units))
    store.close()


def together(units: Sequence[Unit[object]]) -> Unit[None]:
    """All of them in one transaction."""

    def unit() -> Work[None]:
        for each in units:
            yield from each()

    return unit


def send(port: int, plan: Plan, first: int, domains: Sequence[str]) -> dict[int, float]:
    """Letters at an even pace; when each was accepted."""
    accepted = {}
    began = time.monotonic()
    with smtplib.SMTP("127.0.0.1", port) as client:
        for each in range(int(plan.rate * plan.seconds)):
            pause = began + each / plan.rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            number = first + each
            content = b"X-Number: %d\r\n" % number + letter(number)
            client.sendmail("", [f"someone@{domains[each % len(domains)]}"], content)
            accepted[number] = time.monotonic()
    return accepted


def wait(
    hosts: Hosts, accepted: dict[int, float], log: Callable[[], str], patience: float = 60.0
) -> list[float]:
    """How long each letter took, in order."""
    deadline = time.monotonic() + patience
    while not accepted.keys() <= hosts.came.keys() and time.monotonic() < deadline:
        time.sleep(0.05)
    lost = len(accepted.keys() - hosts.came.keys())
    if lost:
        print(log()[-3000:])
        raise SystemExit(f"{lost} letters have not come after {patience:.0f} s")
    return sorted(hosts.came[number] - at for number, at in accepted.items())


def memory(server: Server) -> int:
    """Octets that the worker has in memory."""
    (pid,) = server.pids()
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(found) for found in re.findall(r"^Pss:\s+(\d+)", text, re.MULTILINE)) * 1024


def processor_time(server: Server) -> float:
    """Seconds of CPU that the worker has had."""
    (pid,) = server.pids()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Window:
    """What came of the letters of some time."""

    name: str
    times: list[float]  # of each letter, in order
    memory: int
    seconds: float
    processor_time: float
    questions: int
    failures: int

    @property
    def p99(self) -> float:
        return self.times[len(self.times) * 99 // 100]

    def show(self) -> None:
        print(
            f"{self.name:20} letters {len(self.times):5}"
            f"  p50 {statistics.median(self.times) * 1000:6.1f} ms  p99 {self.p99 * 1000:6.1f} ms"
            f"  longest {self.times[-1] * 1000:6.1f} ms  worker {self.memory / 1e6:5.1f} MB"
            f"\n{'':20} each second: CPU {self.processor_time / self.seconds * 1000:4.0f} ms,"
            f" questions {self.questions / self.seconds:5.1f},"
            f" next hops that fail {self.failures / self.seconds:5.1f}"
        )


def run(
    name: str, plan: Plan, first: int, server: Server, names: NameServer, hosts: Hosts
) -> Window:
    """Send letters to next hops that live, and see what the worker does meanwhile."""

    def so_far() -> tuple[float, float, int, int]:
        failures = server.log().count('event="next hop failed"')
        return time.monotonic(), processor_time(server), len(names.queries), failures

    before = so_far()
    live = [f"h{number}.{LIVE}" for number in range(plan.live)]
    accepted = send(server.port("smtp"), plan, first, live)
    times = wait(hosts, accepted, server.log)
    seconds, *work = (now - then for now, then in zip(so_far(), before, strict=True))
    window = Window(name, times, memory(server), seconds, work[0], int(work[1]), int(work[2]))
    window.show()
    return window


def measure(plan: Plan, folder: Path) -> None:
    with ExitStack() as stack:
        names = NameServer()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        live = [f"h{number}.{LIVE}" for number in range(plan.live)]
        dead = [f"h{number}.{DEAD}" for number in range(plan.hops - plan.live)]
        addresses = {}
        for number, name in enumerate([*live, *dead]):
            addresses[name] = f"127.1.{number // 250}.{number % 250 + 1}"
            names.load(f"{name} MX 10 mx.{name}\nmx.{name} A {addresses[name]}")
        hosts = Hosts([addresses[name] for name in live], port)
        closed = Dead([addresses[name] for name in dead], port)
        stack.callback(closed.close)
        stack.enter_context(names)
        server = Server(
            workers=1,
            data=folder,
            services=("smtp",),
            settings={
                "relay.port": port,
                "relay.first_wait": 10,
                "relay.backup_for": f".{LIVE}",
                "dns.servers": names.setting,
                "dns.addresses": "ipv4",
            },
        )
        stack.enter_context(server)
        time.sleep(SLOW_FIRST)
        alone = run("nothing else waits", plan, 0, server, names, hosts)
        server.stop()
        fill(folder, plan, dead)
        server.start()
        time.sleep(SLOW_FIRST)
        beside = run(f"{plan.recipients} wait", plan, len(alone.times), server, names, hosts)
        each = (beside.memory - alone.memory) / plan.recipients
        print(f"p99 beside them: {beside.p99 / alone.p99:.2f} times that without")
        print(f"memory for each recipient that waits: {each:.0f} octets")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.queue", description=__doc__)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--hops", type=int, default=1000)
    parser.add_argument("--live", type=int, default=50)
    parser.add_argument("--rate", type=float, default=50.0, help="letters a second")
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--dir", type=Path, help="where the server keeps its files")
    options = parser.parse_args()
    plan = Plan(options.recipients, options.hops, options.live, options.rate, options.seconds)
    with tempfile.TemporaryDirectory(prefix="posthouse-queue-", dir=options.dir) as folder:
        measure(plan, Path(folder))


if __name__ == "__main__":
    main()
