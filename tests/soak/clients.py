"""The clients of a run: they go on, whatever happens, and write down what they saw."""

from __future__ import annotations

import base64
import contextlib
import imaplib
import poplib
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults import clients as base
from tests.faults.clients import BROKEN, MAILBOX, PAUSE, Broken, Client, Load
from tests.faults.letters import content_of, number_of
from tests.system.server import PASSWORD

from .control import Control
from .ledger import Ledger, Letter

PATIENCE = 60.0
AT_ONCE = 50  # messages that are fetched together
IDLE = 2.0  # seconds after which a reader looks without having been told
LARGEST_BOX = 150  # messages in an owner's mailbox


class Pace:
    """How often the clients of one kind do something: as often as they can, until it is set."""

    def __init__(self) -> None:
        self._interval = 0.0
        self._next = 0.0
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()

    def set(self, rate: float) -> None:
        """So often in a second."""
        self._interval = 1 / rate

    def hold(self) -> None:
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()

    def wait(self, ended: threading.Event) -> None:
        """Until it is the caller's turn; time that was lost is not made up for."""
        while not self._open.wait(0.1):
            if ended.is_set():
                return
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._interval
        ended.wait(turn - now)


@dataclass
class Run(Load):
    """What all clients of a run share."""

    control: Control = field(kw_only=True)
    smtp: tuple[str, int] = field(kw_only=True)
    ledger: Ledger = field(default_factory=Ledger)
    letters: Pace = field(default_factory=Pace)
    submissions: Pace = field(default_factory=Pace)
    commands: Pace = field(default_factory=Pace)
    doubt: bool = False  # a sync has failed, and the server has not been started again
    reading: threading.Event = field(default_factory=threading.Event)  # ended, for readers


class Sender(base.Sender):
    """Brings letters by SMTP, and takes a refusal for what it is."""

    service = "smtp"
    mail_from = "sender@sender.example"

    def __init__(self, run: Run, seed: str, recipients: list[str]) -> None:
        super().__init__(run, seed, recipients)
        self.running = run
        self.pace = run.letters

    def connection(self) -> None:
        with socket.create_connection(self.running.smtp, PATIENCE) as self.socket:
            self.buffer = b""
            self.reply()
            self.ask("EHLO sender.example")
            while not self.running.ended.is_set():
                self.letter()
            self.ask("QUIT")

    def letter(self) -> None:
        run = self.running
        self.pace.wait(run.ended)
        if run.ended.is_set():
            return
        several = self.chance.randint(1, 2)
        recipients = tuple(self.chance.sample(self.recipients, several))
        number = next(run.numbers)
        letter = Letter(recipients)
        content = content_of(number)
        spoiled = self.service == "smtp" and self.chance.random() < 0.05
        if spoiled:
            content += b"a bare\nline feed\r\n"
        run.ledger.letters[number] = letter
        reply = self.transact(letter, content)
        if spoiled and reply == 250:
            run.ledger.complain(f"letter {number} with a bare line feed was taken")
        letter.doubtful = reply >= 400 and run.doubt
        letter.reply = reply
        run.ledger.count(self.service)

    def transact(self, letter: Letter, content: bytes) -> int:
        """Gives the reply that decided."""
        commands = [f"MAIL FROM:<{self.mail_from}>"]
        commands += [f"RCPT TO:<{recipient}>" for recipient in letter.recipients]
        commands.append("DATA")
        if self.chance.random() < 0.5:
            self.socket.sendall("".join(f"{line}\r\n" for line in commands).encode())
            replies = [self.reply() for _ in commands]
        else:
            replies = []
            for line in commands:
                replies.append(self.ask(line))
                if replies[-1] >= 400:
                    break
        if replies[-1] != 354:
            self.ask("RSET")
            return next(reply for reply in replies if reply >= 400)
        given = zip(letter.recipients, replies[1:-1], strict=True)
        letter.recipients = tuple(recipient for recipient, reply in given if reply == 250)
        self.socket.sendall(content + b".\r\n")
        return self.reply()

    def reply(self) -> int:
        reply = super().reply()
        if reply >= 400:
            self.running.ledger.refuse(f"{self.service} {reply}")
        return reply


class Submitter(Sender):
    """Sends letters to other sites, as an account of this one."""

    service = "submission"

    def __init__(self, run: Run, seed: str, recipients: list[str], address: str) -> None:
        super().__init__(run, seed, recipients)
        self.mail_from = address
        self.pace = run.submissions

    def connection(self) -> None:
        run = self.running
        with socket.create_connection(run.server.address(self.service), PATIENCE) as plain:
            self.socket, self.buffer = plain, b""
            self.reply()
            self.ask("EHLO client.example")
            self.ask("STARTTLS")
            with run.server.tls().wrap_socket(plain) as self.socket:
                self.ask("EHLO client.example")
                words = base64.b64encode(f"\0{self.mail_from}\0{PASSWORD}".encode()).decode()
                if self.ask(f"AUTH PLAIN {words}") != 235:
                    raise Broken
                while not run.ended.is_set():
                    self.letter()
                self.ask("QUIT")


class Owner(base.Owner):
    """Works by IMAP in a mailbox of its own, which it keeps small."""

    def __init__(self, run: Run, seed: str, address: str) -> None:
        super().__init__(run, seed, address)
        self.running = run

    def connection(self) -> None:
        run = self.running
        with self.log_in():
            self.look()
            while not run.ended.is_set():
                run.commands.wait(run.ended)
                if len(self.state) > LARGEST_BOX:
                    self.discard()
                else:
                    self.chance.choice(
                        (self.append, self.append, self.store, self.expunge, self.copy)
                    )()
                run.ledger.count("imap")

    def ok(self, answer: tuple[str, object]) -> None:
        if answer[0] == "OK":
            self.promises += 1
            return
        self.running.ledger.refuse(f"imap {answer}")
        if not self.running.doubt:
            self.under_way = None  # what was refused was not done
        raise Broken

    def copy(self) -> None:
        """A message of the mailbox, to its end."""
        if not self.state:
            return
        uid = self.chance.choice(sorted(self.state))
        before, added = self.state, self.state[uid]

        def copied(state: base.State) -> bool:
            new = set(state) - set(before)
            return len(new) == 1 and state == before | {new.pop(): added}

        self.under_way = copied
        answer = self.client.uid("COPY", str(uid), MAILBOX)
        self.ok(answer)
        match = re.fullmatch(rb"(\d+) (\d+) (\d+)", self.client.response("COPYUID")[1][0] or b"")
        assert match is not None, answer
        new = int(match[3])
        assert new >= self.uid_next, f"UID {new} was given out before"
        self.uid_next = new + 1
        self.promised(before | {new: added})

    def discard(self) -> None:
        """Most of what is there."""
        gone = sorted(self.state)[: LARGEST_BOX // 2]
        span = f"{gone[0]}:{gone[-1]}"
        marked = {
            uid: (number, flags | {"\\Deleted"}) if uid in gone else (number, flags)
            for uid, (number, flags) in self.state.items()
        }
        self.under_way = lambda state: state == marked
        self.ok(self.client.uid("STORE", span, "+FLAGS.SILENT", "(\\Deleted)"))
        self.promised(marked)
        self.expunge()


class Reader(Client):
    """Reads an INBOX as letters come, told by IDLE, and deletes what it has read."""

    def __init__(self, run: Run, address: str) -> None:
        super().__init__(run, address)
        self.running = run
        self.address = address
        self.uid_validity = b""
        self.told = self.slept = 0
        run.ledger.seen[address]

    def run(self) -> None:
        reading = self.running.reading
        try:
            while not reading.is_set():
                try:
                    self.connection()
                except (*BROKEN, imaplib.IMAP4.error) as error:
                    if not isinstance(error, BROKEN):
                        self.running.ledger.refuse(f"imap {error}")
                    self.breaks += 1
                    reading.wait(PAUSE)
        except BaseException as error:  # noqa: BLE001  the test raises it
            self.running.failures.append(error)

    def connection(self) -> None:
        server = self.running.server
        client = imaplib.IMAP4(*server.address("imap"), timeout=PATIENCE)
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            client.login(self.address, PASSWORD)
            self.ok(client.select("INBOX"))
            validity = client.response("UIDVALIDITY")[1][0]
            if self.uid_validity not in (b"", validity):
                self.running.ledger.complain(f"another UIDVALIDITY: {self.address}")
            self.uid_validity = validity or b""
            while not self.running.reading.is_set():
                while self.read(client):
                    pass
                self.idle(client)
        finally:
            client.shutdown()

    def ok(self, answer: tuple[str, object]) -> None:
        if answer[0] != "OK":
            self.running.ledger.refuse(f"imap {answer}")
            raise Broken

    def read(self, client: imaplib.IMAP4) -> bool:
        """What is there, and away with it. Whether there was anything."""
        status, data = client.uid("SEARCH", "ALL")
        self.ok((status, data))
        first = data[0].decode().split()[:AT_ONCE] if data[0] else []
        if not first:
            return False
        status, data = client.uid("FETCH", ",".join(first), "(UID BODY.PEEK[])")
        self.ok((status, data))
        uids = []
        for item in data:
            if isinstance(item, tuple):
                match = re.search(rb"UID (\d+)", item[0])
                assert match is not None, item[0]
                uids.append(int(match[1]))
                self.note(uids[-1], item[1])
        if not uids:
            return False
        span = ",".join(map(str, uids))
        self.ok(client.uid("STORE", span, "+FLAGS.SILENT", "(\\Deleted)"))
        self.ok(client.uid("EXPUNGE", span))
        self.running.ledger.expunged[self.address].update(uids)
        self.running.ledger.count("read by IMAP", len(uids))
        return True

    def note(self, uid: int, content: bytes) -> None:
        """A letter, whole, under the trace of its delivery."""
        start = content.index(b"Message-ID: <")
        number = number_of(content[start:])
        if content[start:] != content_of(number):
            self.running.ledger.complain(f"letter {number} for {self.address} is another")
        self.running.ledger.see(self.address, uid, number)

    def idle(self, client: imaplib.IMAP4) -> None:
        client.send(b"i IDLE\r\n")
        line = client.readline()
        while line and not line.startswith(b"+"):
            line = client.readline()
        if select.select([client.sock], [], [], IDLE)[0]:
            self.told += 1
        else:
            self.slept += 1
        client.send(b"DONE\r\n")
        while not line.startswith(b"i "):
            line = client.readline()
            if not line or line.startswith(b"* BYE"):
                raise Broken


class Reports(Reader):
    """Reads what a submitter is told of its letters."""

    def note(self, uid: int, content: bytes) -> None:
        ledger = self.running.ledger
        number = re.search(rb"^Message-ID: <(\d+)@faults\.example>", content, re.MULTILINE)
        action = re.search(rb"^Action: (\w+)", content, re.MULTILINE)
        if number is None or action is None:
            ledger.complain(f"no report for {self.address}: {content[:300]!r}")
            return
        if action[1] == b"delayed":
            ledger.delayed += 1
            return
        for found in re.findall(rb"^Final-Recipient: rfc822; *(\S+)", content, re.MULTILINE):
            ledger.failed.add((int(number[1]), found.decode()))


class Maildrop(poplib.POP3):
    """One that leaves no socket open where it is not greeted."""

    sock: socket.socket | None = None  # type: ignore[assignment]

    def __init__(self, address: tuple[str, int]) -> None:
        try:
            super().__init__(*address, timeout=PATIENCE)
        except BaseException:
            if self.sock is not None:
                self.close()
            raise


class Fetcher(Client):
    """Reads a maildrop by POP3 and deletes what it has read."""

    def __init__(self, run: Run, address: str) -> None:
        super().__init__(run, address)
        self.running = run
        self.address = address
        self.ids: dict[str, int] = {}  # which letter each unique-id is
        self.gone: set[str] = set()
        run.ledger.seen[address]

    def run(self) -> None:
        reading = self.running.reading
        try:
            while not reading.is_set():
                try:
                    self.connection()
                    reading.wait(0.5)
                except (*BROKEN, poplib.error_proto) as error:
                    if not isinstance(error, BROKEN):
                        self.running.ledger.refuse(f"pop3 {error}")
                    self.breaks += 1
                    reading.wait(PAUSE)
        except BaseException as error:  # noqa: BLE001
            self.running.failures.append(error)

    def connection(self) -> None:
        ledger = self.running.ledger
        with self.log_in() as client:
            deleted = []
            for line in client.uidl()[1][:AT_ONCE]:
                number, unique = line.decode().split()
                if unique in self.gone:
                    ledger.complain(f"{unique} of {self.address} was deleted and is there")
                content = b"".join(each + b"\r\n" for each in client.retr(int(number))[1])
                self.note(unique, content)
                client.dele(int(number))
                deleted.append(unique)
            client.quit()
            self.gone.update(deleted)
            ledger.count("read by POP3", len(deleted))

    @contextlib.contextmanager
    def log_in(self) -> Iterator[poplib.POP3]:
        client = Maildrop(self.running.server.address("pop3"))
        try:
            client.user(self.address)
            client.pass_(PASSWORD)
            yield client
        finally:
            client.close()

    def note(self, unique: str, content: bytes) -> None:
        start = content.index(b"Message-ID: <")
        number = number_of(content[start:])
        if content[start:] != content_of(number):
            self.running.ledger.complain(f"letter {number} for {self.address} is another")
        # A unique-id is never used again (RFC 1939 §7): it stands for a UID.
        known = self.ids.setdefault(unique, len(self.ids) + 1)
        self.running.ledger.see(self.address, known, number)
