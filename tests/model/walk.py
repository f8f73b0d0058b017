"""A walk: many steps at random on one account of a running server, repeatable by its seed."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as HeaderMessage
from pathlib import Path

from tests.system.user import User

from . import letters
from .client import Client
from .letters import Letter
from .mailboxes import Account, Flags, Mailbox, flags
from .watchers import Watcher
from .wire import PATIENCE, Answer, Gone, Wire

Told = list[tuple[Client, int]]  # which client was told of which UID, in a mailbox not read-only

WATCHERS = 3
MOST_TRIES = 60  # connections made until every worker has enough of them


@dataclass(frozen=True, slots=True)
class Kept:
    """What somebody keeps of a mailbox who is not there (RFC 7162 §3.2.5)."""

    uid_validity: int
    modseq: int
    flags: dict[int, Flags]


@dataclass(slots=True)
class Count:
    """What a walk has done, so that a test can see that it did something."""

    steps: int = 0
    kills: int = 0
    lines: int = 0


class Walk:
    """The clients of one account, on all workers, and the model that they are held to."""

    def __init__(self, user: User, seed: int, each_worker: int = 2) -> None:
        self.user = user
        self.seed = seed
        self.chance = random.Random(seed)
        self.account = Account()
        self.clients: list[Client] = []
        self.count = Count()
        self.each_worker = each_worker
        self.doing = "opening"
        self._names = 0
        self._observers: list[Client] = []
        self._watchers: list[Watcher] = []
        self.kept: dict[Mailbox, Kept] = {}

    # Connections

    def open(self) -> None:
        """Connections until every worker has some; those too many are closed."""
        workers = dict.fromkeys(self.user.server.pids(), 0)
        for _ in range(MOST_TRIES):
            if workers and min(workers.values()) >= self.each_worker:
                return
            wire = self._connect()
            pid = worker_of(wire.port, self.user.server.port("imap"), list(workers))
            if pid is None or workers[pid] >= self.each_worker:
                wire.close()
                continue
            workers[pid] += 1
            self.clients.append(self._log_in(wire))
            self.enable(self.clients[-1])
        raise AssertionError(f"the connections do not spread: {workers}")

    def _connect(self) -> Wire:
        """To whichever worker; one that was killed is being replaced."""
        self._names += 1
        name = f"{'ABCDEFGH'[self._names % 8]}{self._names}x"
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return Wire(name, self.user.server.address("imap"))
            except (OSError, Gone):
                assert time.monotonic() < deadline, "nobody accepts connections"
                time.sleep(0.02)

    def _log_in(self, wire: Wire) -> Client:
        client = Client(wire.name.rstrip("x"), wire, self.account)
        wire.send(f'LOGIN {self.user.address} "{self.user.password}"')
        answer = wire.answer()
        if not answer.status:
            raise Gone("closed at log-in")
        assert answer.ok, answer
        return client

    def reconnect(self, client: Client) -> None:
        """The client comes again, with nothing selected, on whichever worker."""
        client.wire.close()
        other = self._join()
        other.wire.history.extendleft(reversed(client.wire.history))
        client.wire, client.name = other.wire, other.name
        client.at_once = client.qresync = False
        client.select(None)
        self.enable(client)

    def enable(self, client: Client) -> None:
        """Some clients know of mod-sequences, and some of those of what has vanished (RFC 7162)."""
        what = self.chance.choice(("", "", "CONDSTORE", "QRESYNC"))
        if what:
            answer = self.ask(client, f"ENABLE {what}")
            assert [line.text for line in answer.lines] == [f"* ENABLED {what}"], answer.lines
            client.qresync = what == "QRESYNC"

    def join(self) -> Client:
        """A client that nothing else is done with."""
        return self._join()

    def _join(self) -> Client:
        """A new client, also while workers are dying."""
        while True:
            wire = self._connect()
            try:
                return self._log_in(wire)
            except Gone:
                wire.close()

    def forget_observers(self) -> None:
        self._close_observers()
        self._observers.clear()
        self._watchers.clear()

    def close(self) -> None:
        self._close_observers()
        for client in self.clients:
            client.wire.close()

    def _close_observers(self) -> None:
        for wire in [each.wire for each in self._observers] + [
            each.wire for each in self._watchers
        ]:
            wire.close()

    def settle_watchers(self) -> None:
        """Those who watch are told of all that has happened; after a worker died they come anew."""
        for watcher in self._watchers:
            watcher.settle(self.account)
        while len(self._watchers) < WATCHERS:
            watcher = Watcher(self._join().wire)
            watcher.begin()
            assert not watcher.difference(self.account), watcher.difference(self.account)
            self._watchers.append(watcher)

    # Commands

    def ask(self, client: Client, *command: str | bytes) -> Answer:
        """One command with its literals, and all that came for it, not yet applied."""
        client.wire.send(*command)
        answer = client.wire.answer()
        self.count.lines += len(answer.lines)
        if not answer.status:
            raise Gone("the connection was closed")
        assert "[SERVERBUG]" not in answer.text, f"{command[0]!r}: {answer.text}"
        return answer

    def quiet(self, client: Client, command: str) -> Answer:
        """A command that changes nothing; its answer is applied, and what is new looked at."""
        answer = self.ask(client, command)
        client.take(answer)
        self.look(client)
        return answer

    def look(self, client: Client) -> None:
        """As clients do: ask what the messages are that EXISTS has told of."""
        self.share_recent(self.look_only(client))

    def look_only(self, client: Client) -> Told:
        """The same; what is \\Recent is judged later, when others too have been told."""
        while unknown := [at for at, known in enumerate(client.known, 1) if not known.message]:
            answer = self.ask(client, f"FETCH {unknown[0]}:{unknown[-1]} (UID FLAGS)")
            assert answer.ok, answer.text
            client.take(answer)
            left = [at for at in unknown if not client.known[at - 1].message]
            assert not left, f"{client.name} was not told of {left}"
        told, client.fresh = client.fresh, []
        uids = [known.message.uid for known in told if known.message is not None]
        return [] if client.read_only else [(client, uid) for uid in uids]

    def share_recent(self, told: Told) -> None:
        """\\Recent is told to the first session that hears of a message, and to no other."""
        by_message: dict[tuple[Mailbox, int], list[Client]] = {}
        for client, uid in told:
            by_message.setdefault((client.selected, uid), []).append(client)
        for (mailbox, uid), clients in by_message.items():
            if not mailbox.messages[uid].alive:  # who was told cannot be seen any more
                mailbox.recent.discard(uid)
                continue
            holders = [client.name for client in clients if uid in client.recent]
            if not mailbox.claims_known:
                assert len(holders) <= 1, f"UID {uid} is \\Recent for {holders}"
                continue
            expected = int(uid in mailbox.recent)
            assert len(holders) == expected, (
                f"UID {uid} of {mailbox.name} is \\Recent for {holders}, not for {expected}"
                f" of {[client.name for client in clients]}"
            )
            mailbox.recent.discard(uid)

    def contents(self, mailbox: Mailbox) -> dict[int, Flags]:
        """The UIDs of a mailbox and their flags, through a connection that does nothing else."""
        observer = self.observe(mailbox)
        found = {}
        for line in self.ask(observer, "UID FETCH 1:* (FLAGS)").lines:
            told = re.fullmatch(r"\* \d+ FETCH \(UID (\d+) FLAGS \((.*)\)\)", line.text)
            if told:
                found[int(told[1])] = flags(told[2].split()) - {"\\recent"}
        assert self.ask(observer, "UNSELECT").ok
        return found

    def observe(self, mailbox: Mailbox) -> Client:
        """The connection that does nothing but look, in this mailbox."""
        if not self._observers:
            self._observers.append(self._join())
        selected = self.ask(self._observers[0], f"EXAMINE {quoted(mailbox.name)}")
        assert selected.ok, selected.text
        return self._observers[0]

    def header(self, mailbox: Mailbox, uid: int) -> HeaderMessage:
        """The header section of a message, through a connection that does nothing else."""
        answer = self.ask(self.observe(mailbox), f"UID FETCH {uid} (BODY.PEEK[HEADER])")
        (value,) = [line.pieces[1] for line in answer.lines if len(line.pieces) > 1]
        return message_from_bytes(value)

    def synchronise(self, client: Client) -> None:
        """NOOP, after which the client must know everything."""
        if client.mailbox is None or not client.mailbox.exists:
            return
        answer = self.quiet(client, self.chance.choice(("NOOP", "NOOP", "CHECK")))
        assert answer.ok, answer.text
        client.check_up_to_date()

    # Choices

    def client(self, fits: Callable[[Client], bool] = lambda _: True) -> Client | None:
        found = [client for client in self.clients if fits(client)]
        return self.chance.choice(found) if found else None

    def with_messages(self, writable: bool = False) -> Client | None:
        return self.client(
            lambda each: (
                each.mailbox is not None
                and each.mailbox.exists
                and bool(each.known)
                and not (writable and each.read_only)
            )
        )

    def mailbox(self) -> Mailbox:
        """INBOX and Archive most of the time: where clients meet."""
        names = sorted(self.account.mailboxes)
        favourites = [name for name in ("INBOX", "Archive") if name in names]
        return self.account.mailboxes[
            self.chance.choice(favourites if self.chance.random() < 0.75 else names)
        ]

    def letter(self) -> Letter:
        return letters.write(self.chance, next(self.account.letters))

    # Failure

    def report(self) -> str:
        """What one needs to see what went wrong."""
        wires = [each.wire for each in self.clients] + [each.wire for each in self._watchers]
        lines = sorted(entry for wire in wires for entry in wire.history)
        states = [
            f"{mailbox.name}: "
            + " ".join(f"{each.uid}{sorted(each.flags)}" for each in mailbox.alive)
            for mailbox in {client.mailbox for client in self.clients if client.mailbox}
        ]
        return "\n".join(
            [
                *(text for _, text in lines),
                "",
                *states,
                *(
                    f"{client.name} knows of {client.mailbox.name}: {client.uids}"
                    for client in self.clients
                    if client.mailbox
                ),
                f"seed {self.seed}, step {self.count.steps}, {self.doing}",
            ]
        )


def quoted(name: str) -> str:
    return f'"{name}"'


def worker_of(our_port: int, their_port: int, pids: list[int]) -> int | None:
    """The process that holds the other end of a connection (Linux)."""
    wanted = (f":{their_port:04X}", f":{our_port:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (fields[1][8:], fields[2][8:]) == wanted:
            socket = f"socket:[{fields[9]}]"
            break
    else:
        return None
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if str(link.readlink()) == socket:
                    return pid
            except OSError:
                continue
    return None
