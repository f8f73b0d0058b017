"""Clients that keep a record of what the server promised them, and go on when it is killed.

Each is a thread. A connection that breaks is made anew; what was under way then is unknown: it may
be done, once.
"""

from __future__ import annotations

import imaplib
import itertools
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.system.server import PASSWORD, Server

from .letters import content_of, number_of

PATIENCE = 60.0  # seconds that a reply, or a server that starts again, may take
PAUSE = 0.02  # seconds between two tries to connect
MAILBOX = "Kept"
BROKEN = (OSError, EOFError, imaplib.IMAP4.abort)


class Broken(ConnectionError):
    """The server has gone, or says that it is going."""


@dataclass
class Load:
    """What all clients share: the server, the end, and how much was answered."""

    server: Server
    ended: threading.Event = field(default_factory=threading.Event)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    answered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    failures: list[BaseException] = field(default_factory=list)


class Client(threading.Thread):
    """Does its work again and again, on as many connections as it takes."""

    def __init__(self, load: Load, seed: str) -> None:
        super().__init__(daemon=True)
        self.load = load
        self.chance = random.Random(seed)
        self.breaks = 0

    def run(self) -> None:
        try:
            while not self.load.ended.is_set():
                try:
                    self.connection()
                except BROKEN:
                    self.breaks += 1
                    self.load.ended.wait(PAUSE)
        except BaseException as error:  # noqa: BLE001  the test raises it
            self.load.failures.append(error)

    def connection(self) -> None:
        """Work on one connection until the end, or until it breaks."""
        raise NotImplementedError


@dataclass
class Fate:
    """What became of a letter."""

    recipients: tuple[str, ...]
    sent: bool = False  # up to its last octet, as far as we know
    reply: int = 0  # to it; 0: none came


class Sender(Client):
    """Brings letters by SMTP, pipelined or not."""

    def __init__(self, load: Load, seed: str, recipients: list[str]) -> None:
        super().__init__(load, seed)
        self.recipients = recipients
        self.fates: dict[int, Fate] = {}

    def connection(self) -> None:
        address = self.load.server.address("smtp")
        with socket.create_connection(address, PATIENCE) as self.socket:
            self.socket.settimeout(PATIENCE)
            self.buffer = b""
            self.reply()
            self.ask("EHLO sender.example")
            while not self.load.ended.is_set():
                self.letter()
                self.load.answered.release()
            self.ask("QUIT")

    def letter(self) -> None:
        several = self.chance.randint(1, 3)
        recipients = tuple(self.chance.sample(self.recipients, several))
        number = next(self.load.numbers)
        fate = self.fates[number] = Fate(recipients)
        commands = ["MAIL FROM:<sender@sender.example>"]
        commands += [f"RCPT TO:<{recipient}>" for recipient in recipients]
        if self.chance.random() < 0.5:
            self.socket.sendall("".join(f"{line}\r\n" for line in [*commands, "DATA"]).encode())
            replies = [self.reply() for _ in range(len(commands) + 1)]
        else:
            replies = [self.ask(line) for line in [*commands, "DATA"]]
        assert replies == [250] * len(commands) + [354], replies
        content = content_of(number)
        if self.chance.random() < 0.1:
            content += b"a bare\nline feed\r\n"
        cut = self.chance.randrange(len(content))
        self.socket.sendall(content[:cut])
        fate.sent = True
        self.socket.sendall(content[cut:] + b".\r\n")
        fate.reply = self.reply()

    def ask(self, line: str) -> int:
        self.socket.sendall(f"{line}\r\n".encode())
        return self.reply()

    def reply(self) -> int:
        while True:
            while b"\r\n" not in self.buffer:
                octets = self.socket.recv(65536)
                if not octets:
                    raise Broken
                self.buffer += octets
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            if line[3:4] != b"-":
                if line.startswith(b"421"):
                    raise Broken
                return int(line[:3])


State = dict[int, tuple[int, frozenset[str]]]  # letter and flags, by UID

_message = re.compile(rb"\bUID (\d+)\b").search
_flags = re.compile(rb"FLAGS \(([^)]*)\)").search


class Owner(Client):
    """Works by IMAP in one mailbox of an account that nobody else uses.

    On each new connection the mailbox must be as after the last command answered, or the one that
    was under way.
    """

    def __init__(self, load: Load, seed: str, address: str) -> None:
        super().__init__(load, seed)
        self.address = address
        self.state: State = {}
        self.under_way: Callable[[State], bool] | None = None  # could it have led to this state?
        self.uid_validity = 0
        self.uid_next = 1
        self.promises = 0
        self.done = 0  # commands under way at a break that turned out to be done

    @contextmanager
    def log_in(self) -> Iterator[None]:
        self.client = imaplib.IMAP4(*self.load.server.address("imap"), timeout=PATIENCE)
        try:
            self.ok(self.client.login(self.address, PASSWORD))
            yield
        finally:
            self.client.shutdown()

    def connection(self) -> None:
        with self.log_in():
            self.look()
            while not self.load.ended.is_set():
                self.chance.choice((self.append, self.append, self.store, self.expunge))()
                self.load.answered.release()

    def make_mailbox(self) -> None:
        """Before anything is killed."""
        with self.log_in():
            self.ok(self.client.create(MAILBOX))

    def look(self) -> None:
        """Select, and compare with what was promised."""
        self.ok(self.client.select(MAILBOX))
        validity, uid_next = (
            int(self.client.response(name)[1][0]) for name in ("UIDVALIDITY", "UIDNEXT")
        )
        assert self.uid_validity in (0, validity)
        self.uid_validity = validity
        assert uid_next >= self.uid_next, f"UIDNEXT {uid_next} after {self.uid_next}"
        self.uid_next = uid_next
        state = self.read()
        if state != self.state:
            assert self.under_way is not None, f"{self.state} has become {state}"
            assert self.under_way(state), f"{self.state} has become {state} by what was under way"
            self.done += 1
            self.state = state
        self.under_way = None

    def read(self) -> State:
        _, data = self.client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
        state: State = {}
        for index, item in enumerate(data):
            if not isinstance(item, tuple):
                continue
            rest = data[index + 1]
            words = item[0] + (rest if isinstance(rest, bytes) else b"")
            uid, flags = _message(words), _flags(words)
            assert uid is not None
            assert flags is not None
            number = number_of(item[1])
            assert item[1] == content_of(number), f"letter {number} is not whole"
            named = frozenset(flags[1].decode().split()) - {"\\Recent"}
            state[int(uid[1])] = number, named
        return state

    def ok(self, answer: tuple[str, object]) -> None:
        assert answer[0] == "OK", answer
        self.promises += 1

    def promised(self, state: State) -> None:
        """The command under way was answered."""
        self.state = state
        self.under_way = None

    def append(self) -> None:
        number = next(self.load.numbers)
        added = number, frozenset({"$Kept"})
        before = self.state

        def appended(state: State) -> bool:
            new = set(state) - set(before)
            return len(new) == 1 and state == before | {new.pop(): added}

        self.under_way = appended
        answer = self.client.append(MAILBOX, "($Kept)", "", content_of(number))
        self.ok(answer)
        match = re.search(rb"APPENDUID (\d+) (\d+)", answer[1][0])
        assert match is not None, answer
        assert int(match[1]) == self.uid_validity
        uid = int(match[2])
        assert uid >= self.uid_next, f"UID {uid} was given out before"
        self.uid_next = uid + 1
        self.promised(before | {uid: added})

    def store(self) -> None:
        if not self.state:
            return
        uid = self.chance.choice(sorted(self.state))
        number, flags = self.state[uid]
        flag = self.chance.choice(("\\Seen", "\\Flagged", "\\Deleted", "$Work"))
        adding = flag not in flags
        after = self.state | {uid: (number, flags | {flag} if adding else flags - {flag})}
        self.under_way = lambda state: state == after
        self.ok(self.client.uid("STORE", str(uid), "+FLAGS" if adding else "-FLAGS", f"({flag})"))
        self.promised(after)

    def expunge(self) -> None:
        after = {uid: it for uid, it in self.state.items() if "\\Deleted" not in it[1]}
        self.under_way = lambda state: state == after
        self.ok(self.client.expunge())
        self.promised(after)


def read_inbox(server: Server, address: str) -> list[bytes]:
    """All contents of an INBOX."""
    with imaplib.IMAP4(*server.address("imap"), timeout=PATIENCE) as client:
        client.login(address, PASSWORD)
        assert client.select("INBOX", readonly=True)[0] == "OK"
        _, data = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
        return [item[1] for item in data if isinstance(item, tuple)]
