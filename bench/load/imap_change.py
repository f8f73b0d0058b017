"""Changes what lies in mailboxes: STORE, COPY, MOVE, APPEND, EXPUNGE, and what QRESYNC tells of it.

What is changed is made before the clock runs and removed after it has been read; an operation is
one message, of QRESYNC one SELECT.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass

from bench.letters import letter
from bench.load import await_start, perform, report
from bench.load.imap_client import Client


@dataclass(slots=True)
class Orders:
    """`action` is store, copy, move, expunge, append or resync."""

    action: str
    port: int
    users: list[str]
    password: str
    letters: int = 1_000  # in one command
    repeats: int = 4
    silent: bool = False
    connections: int = 1
    limit: int = 300


@dataclass(slots=True)
class Run:
    """Commands timed one by one."""

    client: Client
    orders: Orders

    def of(self, commands: list[bytes]) -> None:
        """Report on these commands, each about `letters` messages."""
        await_start()
        latencies = []
        began = time.perf_counter()
        for command in commands:
            started = time.perf_counter()
            self.client.skip(self.client.send(command))
            latencies.append(time.perf_counter() - started)
        took = time.perf_counter() - began
        report(self.orders.letters * len(commands), took, latencies)


def client_of(orders: Orders) -> Client:
    client = Client(orders.port, orders.users[0], orders.password)
    client.command(b"SELECT INBOX")
    return client


def store(orders: Orders) -> None:
    """A flag of all messages set and taken away, in turn."""
    client = client_of(orders)
    silent = b".SILENT" if orders.silent else b""
    commands = [
        b"STORE 1:%d %bFLAGS%b (\\Flagged)" % (orders.letters, b"+-"[at % 2 :][:1], silent)
        for at in range(orders.repeats * 2)
    ]
    answer = client.command(commands[0])
    if not orders.silent and answer.count(b" FETCH (") != orders.letters:
        raise SystemExit("not all messages were answered")
    client.command(commands[1])
    Run(client, orders).of(commands)
    client.close()


def copy(orders: Orders) -> None:
    """Messages of the INBOX copied, each time to another mailbox."""
    client = client_of(orders)
    targets = [b"copies%d" % at for at in range(orders.repeats)]
    for target in targets:
        client.make(target)
    Run(client, orders).of([b"COPY 1:%d %b" % (orders.letters, target) for target in targets])
    client.remove(*targets)
    client.close()


def _copied(client: Client, orders: Orders) -> list[bytes]:
    """Fill a mailbox, select it; sets of UIDs in it."""
    client.make(b"work")
    for _ in range(orders.repeats):
        client.command(b"COPY 1:%d work" % orders.letters)
    uids = client.uids(b"work")
    starts = range(0, len(uids), orders.letters)
    if len(uids) != orders.letters * orders.repeats:
        raise SystemExit(f"{len(uids)} messages were copied")
    return [b"%d:%d" % (uids[at], uids[at + orders.letters - 1]) for at in starts]


def move(orders: Orders) -> None:
    """Messages moved from one mailbox to another."""
    client = client_of(orders)
    client.make(b"moved")
    Run(client, orders).of([b"UID MOVE %b moved" % uids for uids in _copied(client, orders)])
    client.remove(b"work", b"moved")
    client.close()


def expunge(orders: Orders) -> None:
    """Messages expunged that bear \\Deleted."""
    client = client_of(orders)
    sets = _copied(client, orders)
    client.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
    Run(client, orders).of([b"UID EXPUNGE " + uids for uids in sets])
    client.remove(b"work")
    client.close()


def append(orders: Orders) -> None:
    """Letters appended one by one, from some connections; an operation is a letter."""
    clients = [
        Client(orders.port, orders.users[0], orders.password) for _ in range(orders.connections)
    ]
    clients[0].make(b"appended")
    for client in clients:
        client.command(b"NOOP")
    latencies: list[float] = []
    share = orders.letters // orders.connections
    commands = []
    for number in range(orders.letters):
        content = letter(number)
        commands.append(b"APPEND appended {%d+}\r\n%b" % (len(content), content))

    def work(which: int) -> None:
        for command in commands[which * share : (which + 1) * share]:
            started = time.perf_counter()
            clients[which].skip(clients[which].send(command))
            latencies.append(time.perf_counter() - started)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(orders.connections)]
    await_start()
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(len(latencies), time.perf_counter() - began, latencies)
    clients[0].remove(b"appended")
    for client in clients:
        client.close()


def resync(orders: Orders) -> None:
    """RFC 7162 §3.2.5: SELECT of a mailbox in which half of `letters` came to bear a flag, and half
    were expunged, since the client has looked."""
    client = Client(orders.port, orders.users[0], orders.password)
    client.command(b"ENABLE QRESYNC")
    client.command(b"SELECT INBOX")
    client.make(b"work")
    client.command(b"COPY 1:* work")
    known = client.command(b"SELECT work")
    validity, modseq = _number(rb"UIDVALIDITY", known), _number(rb"HIGHESTMODSEQ", known)
    uids = client.uids(b"work")
    count = len(uids)
    half = orders.letters // 2
    _every(client, uids[count // 5 :: 3][:half], b"+FLAGS.SILENT (\\Flagged)")
    _every(client, uids[count // 5 + 1 :: 3][:half], b"+FLAGS.SILENT (\\Deleted)")
    client.command(b"EXPUNGE")
    command = b"SELECT work (QRESYNC (%d %d))" % (validity, modseq)
    answer = client.command(command)
    if answer.count(b" FETCH (") != half or b"VANISHED (EARLIER)" not in answer:
        raise SystemExit(f"{answer.count(b' FETCH (')} messages of {half} have changed")
    orders.letters = 1
    Run(client, orders).of([command] * 20)
    client.remove(b"work")
    client.close()


def _every(client: Client, uids: list[int] | object, change: bytes) -> None:
    """Store in messages, by several commands."""
    assert isinstance(uids, list)
    for start in range(0, len(uids), 50):
        named = b",".join([b"%d" % uid for uid in uids[start : start + 50]])
        client.command(b"UID STORE %b %b" % (named, change))


def _number(name: bytes, answer: bytes) -> int:
    found = re.search(name + rb" (\d+)", answer)
    if found is None:
        raise SystemExit(f"no {name.decode()} in the answer to SELECT")
    return int(found[1])


ACTIONS = {
    "store": store,
    "copy": copy,
    "move": move,
    "expunge": expunge,
    "append": append,
    "resync": resync,
}

if __name__ == "__main__":
    perform(Orders, ACTIONS)
