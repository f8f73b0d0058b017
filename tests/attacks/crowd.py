"""A server among hostile clients: how others are served meanwhile, and what memory it takes."""

from __future__ import annotations

import imaplib
import json
import re
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.attacks.horde import MIX
from tests.system.server import Server

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("smtp", "submission", "submissions", "pop3", "imap", "imaps")
LETTER = b"Subject: hello\r\n\r\n" + (b"z" * 98 + b"\r\n") * 40
UNREAD = b"Subject: large\r\n\r\n" + (b"z" * 998 + b"\r\n") * 1000
BIG_LETTERS = 5  # in the mailbox that is asked for and not read
PATIENCE = 60.0
CHEAP = "[passwords]\nmemory = 64\npasses = 1\n"  # the hash is not what is measured
SETTINGS: Mapping[str, object] = {
    "rates.trusted": "127.0.0.1/32",  # where the good clients come from
}


class Attackers:
    """A horde, in a process of its own."""

    def __init__(
        self, server: Server, connections: int, mix: Mapping[str, int] | None = None
    ) -> None:
        ports = {name: server.port(name) for name in SERVICES}
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.attacks.horde",
                str(connections),
                json.dumps(ports),
                "--mix",
                json.dumps(dict(mix or MIX)),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def await_all(self) -> None:
        """Until each has come once."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def stand(self) -> dict[str, dict[str, int]]:
        """How many are connected (`open`), and how many were put out (`ends`), by kind."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        found: dict[str, dict[str, int]] = json.loads(self._process.stdout.readline())
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass(slots=True)
class Served:
    """How long good clients waited, in seconds, and how often in vain."""

    times: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def percentile(self, what: str, share: float) -> float:
        times = sorted(self.times[what])
        return times[min(len(times) - 1, int(len(times) * share))]


def deliver(server: Server) -> None:
    """One recipient is the one in whose mailbox the hostile clients idle."""
    with smtplib.SMTP(*server.address("smtp"), timeout=PATIENCE) as client:
        client.sendmail("friend@other.example", ["boris@localhost", "anna@localhost"], LETTER)


def read(server: Server) -> None:
    with imaplib.IMAP4(*server.address("imap"), timeout=PATIENCE) as client:
        client.login("boris@localhost", "secret")
        client.select("INBOX")
        kind, data = client.fetch("1:3", "(FLAGS BODY.PEEK[])")
        assert kind == "OK", data


DONE_BY_GOOD_CLIENTS: Mapping[str, Callable[[Server], None]] = {
    "a letter by SMTP": deliver,
    "log in and read by IMAP": read,
}


def serve_others(server: Server, seconds: float, rate: float) -> Served:
    """Good clients come at an even pace, each kind in a thread of its own."""
    served = Served()

    def go_on(what: str) -> None:
        times = served.times[what] = []
        begun = time.monotonic()
        for number in range(int(seconds * rate)):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            start = time.monotonic()
            try:
                DONE_BY_GOOD_CLIENTS[what](server)
            except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, AssertionError) as error:
                served.failures.append(f"{what}: {error!r}")
            times.append(time.monotonic() - start)

    threads = [threading.Thread(target=go_on, args=(what,)) for what in DONE_BY_GOOD_CLIENTS]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return served


class Watch(threading.Thread):
    """The most memory (RssAnon) that any worker has had."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._over = threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self._over.wait(0.2):
            for pid in self._server.pids():
                self.most = max(self.most, memory_of(pid))

    def stop(self) -> int:
        self._over.set()
        self.join()
        return self.most


def memory_of(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"RssAnon:\s+(\d+)", status)
    return int(found[1]) * 1024 if found else 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has shown."""

    alone: Served
    among: Served
    before: int  # octets of memory of the largest worker without attackers
    most: int  # and with them
    workers: tuple[list[int], list[int]]  # their ids, before and after
    stand: dict[str, dict[str, int]]  # of the attackers, at the end
    log: str


def run(
    connections: int,
    seconds: float,
    *,
    rate: float = 10.0,
    workers: int = 2,
    mix: Mapping[str, int] | None = None,
    settings: Mapping[str, object] | None = None,
) -> Outcome:
    """Serve others alone, then among attackers."""
    server = Server(workers=workers, settings={**SETTINGS, **(settings or {})})
    (server.data / "posthouse.toml").write_text(CHEAP)
    with server:
        server.add_accounts(["anna@localhost", "boris@localhost"], "secret")
        with imaplib.IMAP4(*server.address("imap"), timeout=PATIENCE) as client:
            client.login("anna@localhost", "secret")
            for _ in range(BIG_LETTERS):
                client.append("INBOX", "", "", UNREAD)
        for _ in range(3):
            deliver(server)
        alone = serve_others(server, seconds, rate)
        pids = server.pids()
        before = max(map(memory_of, pids))
        watch = Watch(server)
        watch.start()
        with Attackers(server, connections, mix) as attackers:
            attackers.await_all()
            among = serve_others(server, seconds, rate)
            stand = attackers.stand()
        return Outcome(
            alone, among, before, watch.stop(), (pids, server.pids()), stand, server.log()
        )
