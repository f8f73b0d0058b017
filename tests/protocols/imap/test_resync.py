"""What a client keeps and brings up to date by QRESYNC is the mailbox (RFC 7162 §6).

The client comes and goes at any time, also between two commands while it has not been told of an
expunge yet, and asks for no more than it must.
"""

from __future__ import annotations

import re
from typing import ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from posthouse.protocols.imap.sequence import format_set, parse_sequence_set, runs
from tests.protocols.imap.stage import Stage
from tests.protocols.imap.test_news import run_on

FETCH = re.compile(rb"\* (\d+) FETCH \(UID (\d+)(?: FLAGS \(([^)]*)\))?(?: MODSEQ \((\d+)\))?\)")
VANISHED = re.compile(rb"\* VANISHED( \(EARLIER\))? ([\d:,]+)")
MODSEQ = re.compile(rb"\S+ OK \[HIGHESTMODSEQ (\d+)\]")
CODE = re.compile(rb"\* OK \[(UIDVALIDITY|UIDNEXT) (\d+)\]")
EXISTS = re.compile(rb"\* (\d+) EXISTS")


class Cache:
    """A client that keeps what it knows when it goes: UIDs with flags, and how far it has seen."""

    def __init__(self, stage: Stage, connection: int) -> None:
        self.stage = stage
        self.connection = connection
        self.flags: dict[int, set[bytes]] = {}
        self.order: list[int | None] = []  # UIDs by sequence number, as far as they are known
        self.modseq = 0
        self.known = 0  # the last UID that it has asked for
        self.online = False
        self.tag = 0

    def come(self, how: str) -> None:
        self.stage.open(self.connection)
        self.online = True
        before, self.order = self.order, []
        self.say(b"ENABLE QRESYNC")
        known = self.known
        self.flags = {uid: flags for uid, flags in self.flags.items() if uid <= known}
        if self.modseq:
            words = [b"1", b"%d" % self.modseq]
            if how != "nothing" and known:
                words.append(b"1:%d" % known)
            if how == "numbers" and None not in before and before:
                numbers = format_set([(1, len(before))])
                uids = format_set(runs([uid for uid in before if uid is not None]))
                words.append(b"(%b %b)" % (numbers, uids))
            self.say(b"SELECT INBOX (QRESYNC (" + b" ".join(words) + b"))")
        else:
            self.say(b"SELECT INBOX")
        self.look()
        self.order = [uid for uid in self.order if uid is not None]
        if len(self.order) < len(self.flags):  # those that were not told have not changed
            self.order = list[int | None](sorted(self.flags))

    def look(self) -> None:
        """Ask for what has come."""
        self.say(b"UID FETCH %d:* (FLAGS MODSEQ)" % (self.known + 1))
        self.known = max(self.known, *self.flags, 0)

    def go(self) -> None:
        self.stage.sessions.pop(self.connection)
        self.online = False

    def say(self, command: bytes) -> None:
        self.tag += 1
        sent = run_on(self.stage, self.connection, b"a%d %b\r\n" % (self.tag, command))
        lines = sent.split(b"\r\n")[:-1]
        assert lines[-1].startswith(b"a%d OK" % self.tag), lines
        codes, seen = [], [0]
        quiet = command.startswith((b"STORE", b"FETCH", b"SEARCH"))
        for line in lines:
            assert not re.match(rb"\* \d+ EXPUNGE", line), "VANISHED stands in its place"
            if found := FETCH.fullmatch(line):
                number, uid = int(found[1]), int(found[2])
                if found[3] is not None:
                    self.flags[uid] = set(found[3].split()) - {b"\\Recent"}
                if number <= len(self.order):
                    assert self.order[number - 1] in (None, uid), "another message's number"
                    self.order[number - 1] = uid
                seen.append(int(found[4] or 0))
            elif found := VANISHED.fullmatch(line):
                assert found[1] or not quiet
                self.vanished(found[2], earlier=found[1] is not None)
            elif found := MODSEQ.match(line):
                codes.append(int(found[1]))
            elif found := EXISTS.fullmatch(line):
                self.order += [None] * (int(found[1]) - len(self.order))
        if codes:
            self.modseq = codes[-1]
        else:
            self.modseq = max(self.modseq, *seen)

    def vanished(self, text: bytes, earlier: bool) -> None:
        for part in text.split(b","):
            first, _, last = part.partition(b":")
            for uid in range(int(first), int(last or first) + 1):
                self.flags.pop(uid, None)
                if not earlier:
                    del self.order[self.place_of(uid)]

    def place_of(self, uid: int) -> int:
        """Of a message whose UID it has not asked for: the first place that it may have."""
        if uid in self.order:
            return self.order.index(uid)
        before = [at for at, its in enumerate(self.order) if its is not None and its < uid]
        place = before[-1] + 1 if before else 0
        assert self.order[place] is None
        return place


numbers = st.integers(1, 14)
flag = st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "$Work"])
mode = st.sampled_from(["FLAGS", "+FLAGS", "-FLAGS"])
hows = st.sampled_from(["nothing", "known", "numbers"])


class Resync(RuleBasedStateMachine):
    """Two clients that keep what they know, and a mailbox that changes by itself, too."""

    settings: ClassVar[dict[str, str]] = {"messages": "4", "precise": "yes"}

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.settings)
        self.clients = [Cache(self.stage, number) for number in (1, 2)]
        for client in self.clients:
            client.come("nothing")

    def client(self, who: int) -> Cache:
        client = self.clients[who]
        if not client.online:
            client.come("known")
        return client

    @property
    def uids(self) -> list[int]:
        return [message.uid for message in self.stage.boxes["INBOX"].messages]

    @rule(who=st.integers(0, 1), how=hows)
    def come_back(self, who: int, how: str) -> None:
        client = self.clients[who]
        if client.online:
            client.go()
        client.come(how)
        self.agree(client)

    @rule(who=st.integers(0, 1))
    def go(self, who: int) -> None:
        if self.clients[who].online:
            self.clients[who].go()

    @rule(who=st.integers(0, 1), first=numbers, mode=mode, flag=flag, by_uid=st.booleans())
    def store(self, who: int, first: int, mode: str, flag: str, by_uid: bool) -> None:
        client = self.client(who)
        view = self.stage.selected(client.connection)[0]
        if by_uid:
            client.say(f"UID STORE {first}:* {mode} ({flag})".encode())
        elif first <= len(view.view) and set(view.view.uids) <= set(self.uids):
            client.say(f"STORE {first} {mode} ({flag})".encode())

    @rule(who=st.integers(0, 1), uid=numbers, flag=flag, since=st.integers(1, 30))
    def store_unchanged(self, who: int, uid: int, flag: str, since: int) -> None:
        command = f"UID STORE {uid} (UNCHANGEDSINCE {since}) +FLAGS.SILENT ({flag})"
        box = self.stage.boxes["INBOX"]
        before = {message.uid: message.modseq for message in box.messages}
        client = self.client(who)
        view = self.stage.selected(client.connection)[0].view
        at = view.index(uid)
        if at is None or uid not in client.flags:  # it stores what it knows
            return
        told = view.modseqs[at]
        client.say(command.encode())
        for message in box.messages:
            if before[message.uid] > since:
                if message.modseq == before[message.uid]:
                    continue
                assert told <= since  # only other flags may have changed (§3.1.12)
            if message.uid == uid:
                assert flag.encode() in message.flags.split()
                client.flags.setdefault(uid, set()).add(flag.encode())

    @rule(who=st.integers(0, 1))
    def expunge(self, who: int) -> None:
        self.client(who).say(b"EXPUNGE")

    @rule(who=st.integers(0, 1), uid=numbers)
    def move(self, who: int, uid: int) -> None:
        if len(self.uids) < 14:
            self.client(who).say(b"UID MOVE %d INBOX" % uid)

    @rule(who=st.integers(0, 1))
    def fetch(self, who: int) -> None:
        """No expunge may be told, so that the mod-sequence stays behind it."""
        self.client(who).say(b"FETCH 1:1 (UID FLAGS MODSEQ)" if self.uids else b"NOOP")

    @rule(what=st.sampled_from(["new", "seen", "gone", "gone", "forget"]), at=numbers)
    def by_itself(self, what: str, at: int) -> None:
        if what == "new" and len(self.uids) >= 14:
            return
        uid = self.uids[at % len(self.uids)] if self.uids else 0
        if uid or what in ("new", "forget"):
            self.stage.notice(1, f"{what} {uid}" if what in ("seen", "gone") else what)
            self.stage.changed("INBOX")

    @rule(who=st.integers(0, 1))
    def noop(self, who: int) -> None:
        client = self.client(who)
        client.say(b"NOOP")
        if None in client.order:
            client.look()
            client.say(b"NOOP")
        self.agree(client)

    def agree(self, client: Cache) -> None:
        right = {m.uid: set(m.flags.split()) for m in self.stage.boxes["INBOX"].messages}
        assert client.flags == right
        assert client.order == sorted(right)

    def teardown(self) -> None:
        for client in self.clients:
            if client.online:
                client.go()
            client.come("known")
            self.agree(client)


class Compared(Resync):
    """The same, where the agent does not say what was done."""

    settings: ClassVar[dict[str, str]] = {"messages": "4"}


some_uids = st.sets(st.integers(1, 20))


@settings(deadline=None)
@given(some_uids, some_uids, some_uids, some_uids.filter(bool), st.booleans())
def test_what_has_vanished_of_what_is_known(
    before: set[int], gone: set[int], later: set[int], known: set[int], forgotten: bool
) -> None:
    """Of the messages of which the client asks, and of others nothing (§3.2.5, §3.2.6).

    What has gone `later`, and is in the client's view, is told otherwise.
    """
    stage = Stage({"messages": "20"})
    stage.open(1)
    box = stage.boxes["INBOX"]
    box.remove([m for m in box.messages if m.uid in before])
    since = box.modseq
    for uid in sorted(gone):  # one after the other
        box.remove([m for m in box.messages if m.uid == uid])
    if forgotten:
        stage.notice(1, "forget")
    right = known & (before | gone if forgotten else gone - before)
    text = format_set(runs(sorted(known)))
    run_on(stage, 1, b"a1 ENABLE QRESYNC\r\n")
    for number, command in enumerate(
        (
            b"SELECT INBOX (QRESYNC (1 %d %b))" % (since, text),
            b"UID FETCH %b (FLAGS) (CHANGEDSINCE %d VANISHED)" % (text, since),
        )
    ):
        sent = run_on(stage, 1, b"a%d %b\r\n" % (number, command))
        found = re.search(rb"\* VANISHED \(EARLIER\) (\S+)\r\n", sent)
        told = parse_sequence_set(found[1]) if found else []
        assert {uid for low, high in told for uid in range(low, high + 1)} == right
        box.remove([m for m in box.messages if m.uid in later])


Resync.TestCase.settings = settings(deadline=None, max_examples=80, stateful_step_count=30)
Compared.TestCase.settings = Resync.TestCase.settings
TestResync = Resync.TestCase
TestCompared = Compared.TestCase
