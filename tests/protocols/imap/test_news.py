"""What a client makes of the untagged responses is the mailbox, at any time of telling (§7.4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from posthouse.protocols.dialogue import Failed
from posthouse.protocols.imap.events import BeginAppend, EndAppend
from tests.protocols.imap.stage import Stage
from tests.protocols.imap.test_invariants import run

FETCH = re.compile(rb"\* (\d+) FETCH \((?:UID (\d+) )?FLAGS \(([^)]*)\)\)")
PART = re.compile(rb"\* (\d+) FETCH \(BODY.*\{\d+\}")
REST = re.compile(rb" FLAGS \(([^)]*)\)\)")
NUMBER = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE|RECENT)")


class Client:
    """What a client knows: for each message, its UID and flags, as far as it was told."""

    def __init__(self, stage: Stage, connection: int) -> None:
        self.stage = stage
        self.connection = connection
        self.engine = stage.open(connection)
        self.uids: list[bytes | None] = []
        self.flags: list[bytes | None] = []
        self.recent = 0
        self.told: set[int] = set()  # positions of which flags were told by this command
        self.reading = 0
        self.tag = 0
        self.say(b"SELECT INBOX")

    def say(self, command: bytes) -> list[bytes]:
        """Send a command and take in what comes of it."""
        self.tag += 1
        octets = b"a%d %b\r\n" % (self.tag, command)
        self.told.clear()
        sent = run_on(self.stage, self.connection, octets)
        lines = sent.split(b"\r\n")[:-1]
        assert lines[-1].startswith(b"a%d " % self.tag), lines
        for line in lines:
            self.take(line)
        return lines

    def store(self, named: range, mode: str, flag: bytes) -> None:
        """What a client that stored in silence takes the flags to be: §6.4.6.

        Where it was told of flags in the answer, they hold.
        """
        for at in (number - 1 for number in named):
            before = self.flags[at]
            if before is not None and at not in self.told:
                held = set(before.split()) - {b"\\Recent"}
                if mode == "FLAGS":
                    held = {flag}
                else:
                    held = held | {flag} if mode == "+FLAGS" else held - {flag}
                self.flags[at] = b" ".join([*held, *({b"\\Recent"} & set(before.split()))])

    def take(self, line: bytes) -> None:
        if found := PART.fullmatch(line):
            self.reading = int(found[1]) - 1
        elif found := REST.fullmatch(line):
            self.flags[self.reading] = found[1]
        elif found := FETCH.fullmatch(line):
            at = int(found[1]) - 1
            assert at < len(self.uids), "a number that no message has"
            if found[2] is not None:
                assert self.uids[at] in (None, found[2]), "another message's number"
                self.uids[at] = found[2]
            self.flags[at] = found[3]
            self.told.add(at)
        elif found := NUMBER.fullmatch(line):
            number = int(found[1])
            if found[2] == b"EXPUNGE":
                assert 1 <= number <= len(self.uids)
                del self.uids[number - 1], self.flags[number - 1]
            elif found[2] == b"EXISTS":
                assert number >= len(self.uids), "EXISTS cannot take messages away"
                more = [None] * (number - len(self.uids))
                self.uids += more
                self.flags += more
            else:
                self.recent = number


def run_on(stage: Stage, connection: int, octets: bytes) -> bytes:
    """The same as `run`, for one connection of several."""

    class One(Stage):
        def __init__(self) -> None:
            pass

        def answer(self, _: int, question: object, text: str | None) -> object:
            return stage.answer(connection, question, text)

        def show(self, _: int, event: object) -> None:
            stage.show(connection, event)

    return run(stage.engines[connection], [octets], One())


numbers = st.integers(1, 14)
sets = st.one_of(
    numbers.map(str), st.tuples(numbers, numbers).map(lambda two: f"{two[0]}:{two[1]}")
)
flag = st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "$Work", "work"])
mode = st.sampled_from(["FLAGS", "+FLAGS", "-FLAGS"])


class Mailbox(RuleBasedStateMachine):
    """Three clients in one mailbox, each told at its own times."""

    settings: ClassVar[dict[str, str]] = {"messages": "4"}
    stages: ClassVar[type[Stage]] = Stage

    def __init__(self) -> None:
        super().__init__()
        self.stage = self.stages(self.settings)
        self.clients = [Client(self.stage, number) for number in (1, 2, 3)]

    @rule(who=st.integers(0, 2), named=sets, mode=mode, flag=flag, silent=st.booleans())
    def store(self, who: int, named: str, mode: str, flag: str, silent: bool) -> None:
        client = self.clients[who]
        before = list(client.uids)
        suffix = ".SILENT" if silent else ""
        lines = client.say(f"STORE {named} {mode}{suffix} ({flag})".encode())
        assert not any(line.endswith(b" EXPUNGE") for line in lines)
        assert client.uids[: len(before)] == before or None in before
        if b" OK " not in lines[-1]:
            return
        low, high = sorted(map(int, (named + ":" + named).split(":")[:2]))
        if silent:
            client.store(range(low, high + 1), mode, flag.encode())
        else:
            told = {found[1] for line in lines if (found := FETCH.fullmatch(line))}
            assert {b"%d" % number for number in range(low, high + 1)} <= told

    @rule(who=st.integers(0, 2), uid=numbers, mode=mode, flag=flag)
    def uid_store(self, who: int, uid: int, mode: str, flag: str) -> None:
        self.clients[who].say(f"UID STORE {uid} {mode} ({flag})".encode())

    @rule(who=st.integers(0, 2))
    def expunge(self, who: int) -> None:
        self.clients[who].say(b"EXPUNGE")

    @rule(who=st.integers(0, 2), uid=numbers)
    def uid_expunge(self, who: int, uid: int) -> None:
        self.clients[who].say(b"UID EXPUNGE %d" % uid)

    @rule(who=st.integers(0, 2), named=sets)
    def copy(self, who: int, named: str) -> None:
        if len(self.stage.boxes["INBOX"].messages) < 14:
            self.clients[who].say(f"COPY {named} INBOX".encode())

    @rule(who=st.integers(0, 2), named=sets, by_uid=st.booleans())
    def fetch(self, who: int, named: str, by_uid: bool) -> None:
        command = f"{'UID ' * by_uid}FETCH {named} (FLAGS)"
        lines = self.clients[who].say(command.encode())
        assert by_uid or not any(line.endswith(b" EXPUNGE") for line in lines)

    @rule(who=st.integers(0, 2), named=sets)
    def read(self, who: int, named: str) -> None:
        self.clients[who].say(f"FETCH {named} BODY[HEADER.FIELDS (X)]".encode())

    @rule(who=st.integers(0, 2))
    def append(self, who: int) -> None:
        self.clients[who].say(b"APPEND INBOX (\\Seen) {8+}\r\nA: b\r\n\r\n")

    @rule(who=st.integers(0, 2))
    def noop(self, who: int) -> None:
        """A client that asks knows all: its view is the mailbox."""
        self.ask(self.clients[who])

    def ask(self, client: Client) -> None:
        client.say(b"NOOP")
        self.agree(client)

    def agree(self, client: Client) -> None:
        messages = self.stage.boxes["INBOX"].messages
        assert len(client.uids) == len(messages)
        for at, message in enumerate(messages):
            assert client.uids[at] in (None, b"%d" % message.uid)
            known = client.flags[at]
            if known is not None:
                assert set(known.split()) - {b"\\Recent"} == set(message.flags.split())
        if client.uids:
            lines = client.say(b"FETCH 1:* (UID FLAGS)")
            assert len(lines) == len(messages) + 1
        assert client.uids == [b"%d" % message.uid for message in messages]
        recent = sum(b"\\Recent" in (flags or b"").split() for flags in client.flags)
        selected, _ = self.stage.selected(client.connection)
        assert recent == selected.recent_count()

    @invariant()
    def recent_is_told_to_one(self) -> None:
        """§2.3.2"""
        claimed: set[int] = set()
        for session in self.stage.sessions.values():
            assert session.selected is not None
            its = {
                session.selected.view.uids[at]
                for first, last in session.selected.recent_positions()
                for at in range(first, last)
            }
            assert not its & claimed
            claimed |= its

    def teardown(self) -> None:
        for client in self.clients:
            self.ask(client)


class Precise(Mailbox):
    """The same, where the agent says what was done: the views are not compared."""

    settings: ClassVar[dict[str, str]] = {"messages": "4", "precise": "yes"}


class Shaky(Stage):
    """A stage that fails: before it has done what it was asked to do, or after."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(given)
        self.failures: dict[int, list[str]] = {}  # by connection, of the next questions

    def answer(self, connection: int, question: object, text: str | None) -> object:
        to_come = self.failures.get(connection)
        if not to_come or isinstance(question, BeginAppend | EndAppend):
            return super().answer(connection, question, text)
        failure = to_come.pop(0)
        if failure == "before":
            raise Failed
        answer = super().answer(connection, question, text)
        if failure == "after":
            raise Failed
        return answer


class Failing(Precise):
    """The same, where some questions are not answered: what was not told is told later."""

    stages = Shaky

    @rule(who=st.integers(0, 2), failures=st.lists(st.sampled_from(["before", "after", ""])))
    def fail(self, who: int, failures: list[str]) -> None:
        assert isinstance(self.stage, Shaky)
        client = self.clients[who]
        self.stage.failures[client.connection] = list(failures)
        client.say(b"CAPABILITY")  # which tells what is noticed; NOOP would look for it

    def ask(self, client: Client) -> None:
        assert isinstance(self.stage, Shaky)
        self.stage.failures.clear()
        client.say(b"CAPABILITY")
        self.agree(client)


Mailbox.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=40)
Precise.TestCase.settings = Mailbox.TestCase.settings
TestMailbox = Mailbox.TestCase
Failing.TestCase.settings = Mailbox.TestCase.settings
TestPrecise = Precise.TestCase
TestFailing = Failing.TestCase
