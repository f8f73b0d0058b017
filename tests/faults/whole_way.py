"""What people do with a whole worker, and what each was promised, and at which moment.

Letters come in by SMTP and go out by submission; somebody works in their mailboxes by IMAP, and
somebody reads by POP3. Each answer is written down with how far the log of the disk was then.
"""

from __future__ import annotations

import asyncio
import imaplib
import poplib
import random
import smtplib
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

import apsw

from posthouse.store.database import FILE

from .checks import NEVER as NEVER_FOUND
from .checks import Found, difference
from .disk import Disk
from .letters import content_of
from .script import Dump
from .whole_server import (
    ABROAD,
    ACCOUNTS,
    NEVER,
    PASSWORD,
    PATIENCE,
    Lines,
    Relayed,
    Running,
    number_in,
)

OWNER, FETCHER, READER, SUBMITTER = ACCOUNTS
NAMES = ("Work", "Lists", "Kept", "Work/Old")
OWNER_ID, FETCHER_ID, SUBMITTER_ID = 1, 2, 4


@dataclass
class Fate:
    """What became of a letter."""

    recipients: tuple[str, ...]
    promised: int | None = None  # when
    refused: bool = False
    name: str = ""  # its queue id


@dataclass
class Promises:
    """All that was answered in a run."""

    letters: dict[int, Fate] = field(default_factory=dict)
    steps: list[tuple[int, Dump]] = field(default_factory=list)  # of the owner
    deleted: list[tuple[int, int]] = field(default_factory=list)  # when, letter: by POP3
    commands: Counter[str] = field(default_factory=Counter)

    def before(self, at: int) -> int:
        """How many there are up to a moment."""
        letters = sum(1 for each in self.letters.values() if (each.promised or at + 1) <= at)
        steps = sum(1 for when, _ in self.steps if when <= at)
        return letters + steps + sum(1 for when, _ in self.deleted if when <= at)


class People:
    """All of them, each in a thread."""

    def __init__(self, server: Running, disk: Disk, seed: int, scale: int) -> None:
        self.server = server
        self.disk = disk
        self.scale = scale
        self.promises = Promises()
        self.numbers = count(1)
        self.changes = cycle(("STORE", "COPY", "MOVE", "STORE", "EXPUNGE"))
        self.seed = seed

    async def live(self) -> None:
        """To the end, and until all letters have arrived."""
        async with asyncio.TaskGroup() as group:
            for each in (self.send, self.submit, self.own):
                group.create_task(asyncio.to_thread(each, random.Random(f"{self.seed} {each}")))
        await self.server.until_sent()
        await asyncio.to_thread(self.fetch)

    # Letters

    def send(self, chance: random.Random) -> None:
        """From another site, to people here; one is spoiled by a bare line feed."""
        with smtplib.SMTP(*self.server.addresses["smtp"], timeout=PATIENCE) as client:
            client.ehlo()
            for turn in range(3 * self.scale):
                to = tuple(chance.sample((FETCHER, READER), chance.randint(1, 2)))
                self.bring(client, "bob@sender.example", to, spoiled=turn == 1)

    def submit(self, chance: random.Random) -> None:
        """To other sites, to one that takes nobody, and to somebody here."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        address = self.server.addresses["submissions"]
        with smtplib.SMTP_SSL(*address, timeout=PATIENCE, context=tls) as client:
            client.login(SUBMITTER, PASSWORD)
            for turn in range(2 * self.scale):
                to = [f"ann@{ABROAD}", f"carl@{ABROAD}", READER][: chance.randint(1, 3)]
                if turn % 3 == 0:
                    to.append(f"nobody@{NEVER}")
                self.bring(client, SUBMITTER, tuple(to))

    def bring(
        self, client: smtplib.SMTP, sender: str, to: tuple[str, ...], spoiled: bool = False
    ) -> None:
        number = next(self.numbers)
        fate = self.promises.letters[number] = Fate(to)
        content = content_of(number) + (b"a bare\nline feed\r\n" if spoiled else b"")
        assert client.docmd(f"MAIL FROM:<{sender}>")[0] == 250
        for recipient in to:
            assert client.docmd(f"RCPT TO:<{recipient}>")[0] == 250
        assert client.docmd("DATA")[0] == 354
        client.send(content + b".\r\n")
        code, text = client.getreply()
        fate.refused = code >= 400
        assert fate.refused == spoiled, text
        if code == 250:
            fate.promised = self.disk.position
            fate.name = text.split()[-1].decode()

    # Mailboxes

    def own(self, chance: random.Random) -> None:
        """One command after the other; after each answer the account is written down."""
        with imaplib.IMAP4(*self.server.addresses["imap"], timeout=PATIENCE) as client:
            client.login(OWNER, PASSWORD)
            self.noted("LOGIN")
            actions: list[tuple[Callable[[imaplib.IMAP4, random.Random], None], int]] = [
                (self.append, 4),
                (self.create, 2),
                (self.rename, 2),
                (self.delete, 1),
                (self.change, 8),
            ]
            for name in NAMES:
                self.done("CREATE", client.create(name))
                self.append(client, chance, name)
                self.append(client, chance, name)
            for _ in range(10 * self.scale):
                action, _ = chance.choices(actions, [weight for _, weight in actions])[0]
                action(client, chance)
            self.done("RENAME", client.rename(chance.choice(NAMES), f"Other-{chance.random()}"))
            self.done("DELETE", client.delete(chance.choice(NAMES)))

    def noted(self, command: str) -> None:
        """A command was answered OK."""
        at = self.disk.position
        with closing(apsw.Connection(str(self.disk.root / FILE))) as connection:
            dump = Found(connection, self.disk.root).dump(OWNER_ID)
        self.promises.steps.append((at, dump))
        self.promises.commands[command] += 1

    def done(self, command: str, answer: tuple[str, object]) -> None:
        if answer[0] == "OK":
            self.noted(command)

    def append(self, client: imaplib.IMAP4, chance: random.Random, name: str | None = None) -> None:
        number = next(self.numbers)
        # It is compared with the rows of the owner, not as a letter.
        content = content_of(number)
        self.done("APPEND", client.append(name or chance.choice(NAMES), "(\\Seen)", "", content))

    def create(self, client: imaplib.IMAP4, chance: random.Random) -> None:
        self.done("CREATE", client.create(chance.choice(NAMES)))

    def rename(self, client: imaplib.IMAP4, chance: random.Random) -> None:
        old, new = chance.sample(NAMES, 2)
        self.done("RENAME", client.rename(old, new))

    def delete(self, client: imaplib.IMAP4, chance: random.Random) -> None:
        self.done("DELETE", client.delete(chance.choice(NAMES)))

    def change(self, client: imaplib.IMAP4, chance: random.Random) -> None:
        """Something in a selected mailbox."""
        name, other = chance.sample(NAMES, 2)
        status, data = client.select(name)
        if status != "OK":
            return
        self.noted("SELECT")
        messages = int(data[0] or b"0")
        if messages:
            what = str(chance.randint(1, messages))
            command = next(self.changes)
            if command == "STORE":
                flag = chance.choice(("\\Deleted", "\\Deleted", "$Work"))
                self.done(command, client.store(what, "+FLAGS", f"({flag})"))
            elif command == "COPY":
                self.done(command, client.copy(what, other))
            elif command == "MOVE":
                self.done(command, client._simple_command("MOVE", what, other))
            else:
                self.done(command, client.expunge())
        client.unselect()

    def fetch(self) -> None:
        """By POP3: some of what has come, and away with it."""
        for _ in range(2):
            client = poplib.POP3(*self.server.addresses["pop3"], timeout=PATIENCE)
            try:
                client.user(FETCHER)
                client.pass_(PASSWORD)
                gone = []
                for line in client.list()[1][:2]:
                    which = int(line.split()[0])
                    lines = client.retr(which)[1]
                    gone.append(number_in(b"\r\n".join(lines)))
                    client.dele(which)
                client.quit()
                at = self.disk.position
                self.promises.deleted += [(at, number) for number in gone]
                self.promises.commands["DELE, QUIT"] += 1
            finally:
                client.close()


@dataclass
class Judge:
    """Looks at a disk that has come back, and has sent what waited on it."""

    promises: Promises
    first: list[Relayed]  # what sinks took before the power failed, in the whole run
    lines: Lines  # of the run

    def wrong(self, directory: Path, at: int, second: list[Relayed]) -> Iterator[str]:
        """What is not as it was promised before the moment `at`; `second`: relayed since."""
        with closing(apsw.Connection(str(directory / FILE))) as connection:
            found = Found(connection, directory)
            if (answer := found.rows("PRAGMA integrity_check")) != [("ok",)]:
                yield f"integrity: {answer}"
            for what, sql in NEVER_FOUND.items():
                if rows := found.rows(sql):
                    yield f"{what}: {rows[:3]}"
            yield from self._letters(found, at, second)
            yield from self._owner(found, at)

    def _letters(self, found: Found, at: int, second: list[Relayed]) -> Iterator[str]:
        numbers, reports = {}, {}
        for content, octets in found.contents():
            if octets is None:
                yield f"content {content} is not whole"
                continue
            number = number_in(octets)
            if b"multipart/report" in octets[: octets.index(b"\r\n\r\n")]:
                reports[content] = number
                continue
            numbers[content] = number
            if octets[octets.index(b"Message-ID: <%d@" % number) :] != content_of(number):
                yield f"letter {number} is not whole"
        places = found.rows(
            "SELECT account, content FROM message UNION ALL SELECT account, content FROM tombstone"
        )
        there = Counter((account, numbers.get(content)) for account, content in places)
        told = Counter(
            reports[content] for account, content in places
            if content in reports and account == SUBMITTER_ID
        )  # fmt: skip
        kept = set(numbers.values())
        once = {(each.number, each.recipient) for each in self.first if each.at <= at}
        again = Counter((each.number, each.recipient) for each in second)
        for number, fate in self.promises.letters.items():
            if fate.refused and number in kept:
                yield f"letter {number} was refused and is there"
            promised = fate.promised is not None and fate.promised <= at
            for recipient in fate.recipients:
                yield from self._recipient(number, recipient, promised, there, told, once, again)
        yield from self._twice(at, again)
        present = {
            (account, numbers.get(content))
            for account, content in found.rows("SELECT account, content FROM message")
        }
        for when, number in self.promises.deleted:
            if when <= at and (FETCHER_ID, number) in present:
                yield f"letter {number} was deleted by POP3 and is there"

    def _recipient(
        self, number: int, recipient: str, promised: bool, there: Counter[tuple[int, int | None]],
        told: Counter[int], once: set[tuple[int, str]], again: Counter[tuple[int, str]],
    ) -> Iterator[str]:  # fmt: skip
        key = (number, recipient)
        if recipient in ACCOUNTS:
            times = there[ACCOUNTS.index(recipient) + 1, number]
            if times > 1 or (promised and times != 1):
                yield f"letter {number} is {times} times with {recipient}"
        elif recipient.endswith(NEVER):
            if told[number] > 1 or (promised and told[number] != 1):
                yield f"of letter {number} there are {told[number]} reports"
        elif again[key] > 1:
            yield f"letter {number} came {again[key]} times to {recipient} after the power was back"
        elif promised and key not in once and not again[key]:
            yield f"letter {number} was promised and has not come to {recipient}"

    def _twice(self, at: int, again: Counter[tuple[int, str]]) -> Iterator[str]:
        """What was concluded is not sent again."""
        names = {fate.name: number for number, fate in self.promises.letters.items()}
        for when, name, recipient in self.lines.concluded:
            if when <= at and again[names.get(name, 0), recipient]:
                yield f"letter {name} was concluded for {recipient} and is sent again"

    def _owner(self, found: Found, at: int) -> Iterator[str]:
        """As after the last command answered, or the one under way."""
        steps = self.promises.steps
        answered = sum(1 for when, _ in steps if when <= at)
        dump = found.dump(OWNER_ID)
        allowed = [each for _, each in steps[max(0, answered - 1) : answered + 1]]
        if answered and dump not in allowed:
            yield f"the owner is not as after command {answered}: " + "; ".join(
                difference(allowed[0], dump)
            )
