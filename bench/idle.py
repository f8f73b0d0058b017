"""`python -m bench.idle`: what does a connection cost that waits in IDLE, and how soon is it told?

For each server, kind of connection and number of them: every client logs in, selects INBOX and
idles, in a mailbox of its own or all in one. Printed are the memory of all the server's processes
(PSS, so that what they share is counted once) above that of the server without clients, for each
connection, and how long it takes from an APPEND to the moment at which all who idle in that mailbox
have been told.
"""

from __future__ import annotations

import argparse
import re
import resource
import select
import shutil
import socket
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.keeper import descendants, processor_seconds
from bench.letters import letter
from bench.ours import DOMAIN, Posthouse
from bench.peers import PASSWORD, Missing
from bench.peers.dovecot import DovecotMaildir

BURST = 50  # clients that log in at the same time
LETTERS = 2  # in each mailbox
ROUNDS = 10  # letters that idlers are told of
PATIENCE = 60.0  # seconds
STILL, MOST_LOOKS = 4, 40  # seconds that memory has to stay the same, and that it is waited for
OF_A_SOURCE = 250  # connections from one loopback address

CHEAP = MappingProxyType(
    {
        "passwords.memory": 8,
        "passwords.passes": 1,
        "passwords.scram_iterations": 10_000,
        "queue.hold_outgoing": True,
        "log.level": "warning",
        "storage.index_delay": 3600,  # indexing takes memory, and gives it back
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """What one line of the table is about."""

    tls: bool
    own: bool  # a mailbox for each connection
    connections: int

    @property
    def kind(self) -> str:
        return "TLS" if self.tls else "plain"

    def __str__(self) -> str:
        return f"{self.kind:5}  {'each' if self.own else 'one ':4}  {self.connections:11}"


class IdlePosthouse(Posthouse):
    """Passwords cost little to check: they are not what is measured."""

    name = "posthouse"
    kinds = ("plain", "TLS")
    most = 100_000
    more: Mapping[str, object] = CHEAP

    def begin(self, users: Sequence[str]) -> None:
        """Have these accounts; before they are used."""
        (self.folder / "posthouse.toml").write_text(
            "[passwords]\nmemory = 8\npasses = 1\nscram_iterations = 10000\n"
        )
        self.server.add_accounts(users, PASSWORD)
        self.ports["imaps"] = self.server.port("imaps")

    def anew(self) -> None:
        """As it is after its start."""
        self.server.restart()
        self.keeper = self.server.pid


class IdleDovecot(DovecotMaildir):
    """A process for each connection, as it comes."""

    name = "dovecot"
    kinds = ("plain",)
    most = 1900  # its process_limit

    def begin(self, users: Sequence[str]) -> None:
        lines = [f"{user}:{PASSWORD}\n" for user in [self.reader, *users]]
        (self.folder / "users").write_text("".join(lines))

    def anew(self) -> None:
        """The processes of the clients before it have ended."""
        deadline = time.monotonic() + PATIENCE
        while any(_is_session(pid) for pid in descendants(self.keeper)):
            if time.monotonic() > deadline:
                raise SystemExit("processes of the clients before are still there")
            time.sleep(0.05)


def _is_session(pid: int) -> bool:
    """It serves a client that has logged in (Dovecot's dovecot/imap)."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == "imap"
    return False


class Client:
    """One connection; its address is one of many of this machine."""

    def __init__(self, port: int, tls: ssl.SSLContext | None, number: int = 0) -> None:
        source = 2 + number // OF_A_SOURCE
        self.wire = socket.socket()
        self.wire.settimeout(PATIENCE)
        self.wire.bind((f"127.0.{source // 250}.{source % 250 + 1}", 0))
        self.wire.connect(("127.0.0.1", port))
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.wire = tls.wrap_socket(self.wire)

    def say(self, octets: bytes) -> None:
        self.wire.sendall(octets)

    def hear(self, *ends: bytes) -> bytes:
        """Up to the line that begins with one of these."""
        got = b""
        while not (got.endswith(b"\n") and got.splitlines()[-1].startswith(ends)):
            octets = self.wire.recv(65536)
            if not octets:
                raise SystemExit(f"the server has ended the connection: {got[-200:]!r}")
            got += octets
        return got

    def log_in(self, user: str) -> None:
        self.say(f'a LOGIN {user} "{PASSWORD}"\r\n'.encode())
        said = self.hear(b"a ")
        if b"a OK" not in said:
            raise SystemExit(f"{user} cannot log in: {said!r}")

    def append(self, content: bytes) -> None:
        self.say(b"b APPEND INBOX {%d}\r\n" % len(content))
        self.hear(b"+")
        self.say(content + b"\r\n")
        self.hear(b"b OK")

    def close(self) -> None:
        self.wire.close()


def memory(keeper: int) -> tuple[int, int]:
    """PSS of all processes of a server, and that of it which is no file's."""
    whole = anonymous = 0
    for pid in descendants(keeper):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = dict(re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE))
        whole += int(found.get("Pss", 0)) * 1024
        anonymous += int(found.get("Pss_Anon", 0)) * 1024
    return whole, anonymous


def settled(keeper: int) -> tuple[int, int]:
    """The same, when it has not changed for some seconds: a server that has begun is busy."""
    before, still = memory(keeper), 0
    for _ in range(MOST_LOOKS):
        time.sleep(1.0)
        now = memory(keeper)
        still = still + 1 if abs(now[0] - before[0]) < 64 * 1024 else 0
        if still == STILL:
            break
        before = now
    return memory(keeper)


def fill(port: int, users: Sequence[str]) -> None:
    for number, user in enumerate(users):
        client = Client(port, None, number)
        client.hear(b"* OK")
        client.log_in(user)
        for each in range(LETTERS):
            client.append(letter(each))
        client.close()


def idlers(
    port: int, tls: ssl.SSLContext | None, users: Sequence[str], first: int = 0
) -> Iterator[Client]:
    """Clients that idle, a burst at a time."""
    for start in range(0, len(users), BURST):
        burst = []
        for number, user in enumerate(users[start : start + BURST]):
            client = Client(port, tls, first + start + number)
            client.hear(b"* OK")
            client.say(f'a LOGIN {user} "{PASSWORD}"\r\n'.encode())
            burst.append(client)
        for client in burst:
            client.hear(b"a OK")
            client.say(b"b SELECT INBOX\r\n")
        for client in burst:
            client.hear(b"b OK")
            client.say(b"c IDLE\r\n")
        for client in burst:
            client.hear(b"+ ")
        yield from burst


def tell(port: int, clients: Sequence[Client], user: str, keeper: int) -> tuple[list[float], float]:
    """How long it takes, each time, from an APPEND to the moment at which all have been told.

    And the processor time of the server for one letter.
    """
    writer = Client(port, None)
    writer.hear(b"* OK")
    writer.log_in(user)
    poll = select.epoll()
    by_file = {client.wire.fileno(): client for client in clients}
    for each in by_file:
        poll.register(each, select.EPOLLIN)
    times = []
    content = letter(1)
    used = processor_seconds(keeper)
    for _ in range(ROUNDS):
        time.sleep(0.2)
        writer.say(b"b APPEND INBOX {%d}\r\n" % len(content))
        writer.hear(b"+")
        begun = time.perf_counter()
        writer.say(content + b"\r\n")
        waiting = set(by_file)
        while waiting:
            ready = poll.poll(PATIENCE)
            took = (time.perf_counter() - begun) * 1000
            if not ready:
                raise SystemExit(f"{len(waiting)} have not been told")
            for each, _ in ready:
                if b"EXISTS" in by_file[each].wire.recv(65536):
                    waiting.discard(each)
        times.append(took)
        writer.hear(b"b OK")
    used = processor_seconds(keeper) - used
    poll.close()
    writer.close()
    return times, used / ROUNDS * 1000


def measure(peer: IdlePosthouse | IdleDovecot, case: Case, users: Sequence[str]) -> None:
    peer.anew()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls = context if case.tls else None
    port = peer.ports["imaps" if case.tls else "imap"]
    names = users[: case.connections] if case.own else [peer.reader] * case.connections
    for client in list(idlers(port, tls, [peer.reader])):
        client.close()
    empty, empty_anonymous = settled(peer.keeper)
    clients = list(idlers(port, tls, names))
    whole, anonymous = settled(peer.keeper)
    each = (whole - empty) / 1000 / case.connections
    of_it = (anonymous - empty_anonymous) / 1000 / case.connections
    told = ""
    if not case.own:
        times, used = tell(peer.ports["imap"], clients, peer.reader, peer.keeper)
        told = f"{statistics.median(times):8.1f}  {max(times):8.1f}  {used:8.1f}"
    print(
        f"{peer.name:10}  {case}  {empty / 1e6:8.1f}  {whole / 1e6:8.1f}"
        f"  {each:8.1f}  {of_it:9.1f}  {told}",
        flush=True,
    )
    for client in clients:
        client.close()


def run(peer: IdlePosthouse | IdleDovecot, cases: Sequence[Case]) -> None:
    cases = [case for case in cases if case.kind in peer.kinds and case.connections <= peer.most]
    most = max((case.connections for case in cases if case.own), default=0)
    users = [f"idle{number}@{DOMAIN}" for number in range(most)]
    with peer:
        peer.begin(users)
        fill(peer.ports["imap"], [peer.reader, *users])
        for case in cases:
            measure(peer, case, users)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--kinds", nargs="+", choices=("plain", "TLS"), default=["plain", "TLS"])
    parser.add_argument("--mailboxes", nargs="+", choices=("each", "one"), default=["each", "one"])
    parser.add_argument("--servers", nargs="+", default=["posthouse", "dovecot"])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--dir", type=Path, help="where the servers keep their files")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cases = [
        Case(kind == "TLS", own == "each", count)
        for kind in options.kinds
        for own in options.mailboxes
        for count in options.connections
    ]
    print(
        "server      kind   mailbox  connections  empty MB  with MB   kB each   of it, no file's"
        "  told ms: median, longest  CPU ms"
    )
    folder = Path(tempfile.mkdtemp(prefix="posthouse-idle-", dir=options.dir))
    folder.chmod(0o755)
    IdlePosthouse.workers = options.workers
    peers: dict[str, type[IdlePosthouse | IdleDovecot]] = {
        "posthouse": IdlePosthouse,
        "dovecot": IdleDovecot,
    }
    try:
        for name in options.servers:
            try:
                run(peers[name](folder / name), cases)
            except Missing as missing:
                print(f"{name}: {missing}", file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
