"""The client against the server of this house, engine to engine: what is sent arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.engine import FLUSH, Engine
from posthouse.protocols.smtp.client import session as client
from posthouse.protocols.smtp.client.client import connect
from posthouse.protocols.smtp.client.events import (
    Fate,
    Letter,
    NextBlock,
    NextLetter,
    Outcome,
    Ready,
)
from posthouse.protocols.smtp.events import (
    Abort,
    BeginContent,
    Content,
    EndForEach,
    EndOfMessage,
    Hello,
    Mail,
    Recipient,
)
from posthouse.protocols.smtp.reply import Reply
from posthouse.protocols.smtp.server import serve
from posthouse.protocols.smtp.session import Service, Session, Settings

OK = Reply(250, "2.0.0", "ok")
NO = Reply(550, "5.1.1", "no such user")
FULL = Reply(452, "4.2.2", "full")


@dataclass
class Peer:
    """The server's agent: it refuses some recipients, keeps what it takes."""

    refused: frozenset[str] = frozenset()
    full: frozenset[str] = frozenset()
    extended: bool = True
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    taken: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)

    def ask(self, question: object) -> object:
        match question:
            case Hello(_, extended):
                return OK if self.extended or not extended else NO
            case Mail(path, _):
                self.sender = str(path)[1:-1]
                self.recipients.clear()
                self.pieces.clear()
                return OK
            case Recipient(path, _):
                name = str(path)[1:-1]
                if name in self.refused:
                    return NO
                self.recipients.append(name)
                return OK
            case BeginContent():
                return OK
            case EndOfMessage() | EndForEach():
                return self.end(question)
        raise AssertionError(question)

    def end(self, question: EndOfMessage | EndForEach) -> object:
        full = [name in self.full for name in self.recipients]
        if isinstance(question, EndOfMessage) and any(full):
            return FULL
        got = tuple(name for name in self.recipients if name not in self.full)
        self.taken.append((self.sender, got, b"".join(self.pieces)))
        if isinstance(question, EndOfMessage):
            return OK
        return tuple(FULL if each else OK for each in full)

    def show(self, event: object) -> None:
        if isinstance(event, Content):
            self.pieces.append(event.octets)
        else:
            assert isinstance(event, Abort)


@dataclass
class Sender:
    """The client's agent: it has letters and their contents."""

    letters: list[tuple[Letter, bytes]]
    block: int = 100
    outcomes: list[Outcome] = field(default_factory=list)
    content: bytes = b""

    def ask(self, question: object) -> object:
        if isinstance(question, NextLetter):
            if not self.letters:
                return None
            letter, self.content = self.letters.pop(0)
            return letter
        assert isinstance(question, NextBlock)
        block, self.content = self.content[: self.block], self.content[self.block :]
        return block

    def show(self, event: object) -> None:
        if isinstance(event, Outcome):
            self.outcomes.append(event)
        else:
            assert isinstance(event, Ready)


def step(engine: Engine, agent: Peer | Sender) -> bytes:
    """Let one side go on until it waits for the other; what it says."""
    said = b""
    while (event := engine.next_event()) is not None:
        said += engine.send()
        if event is FLUSH:
            continue
        if engine.asked:
            engine.answer(agent.ask(event))
        else:
            agent.show(event)
    return said + engine.send()


def talk(sender: Sender, peer: Peer, service: Service = Service.SMTP) -> None:
    """A whole connection."""
    settings = client.Settings("client.example", lmtp=service is Service.LMTP)
    speaking = connect(client.Session(settings))
    serving = serve(Session(Settings("mx.example", errors=1000), service))
    while not (speaking.over and serving.over):
        from_server = step(serving, peer)
        speaking.receive(from_server)
        from_client = step(speaking, sender)
        serving.receive(from_client)
        assert from_server or from_client, "both wait"


lines = st.lists(
    st.sampled_from([b"", b".", b"..", b".x", b"x."])
    | st.binary(max_size=40).map(lambda octets: octets.translate(None, b"\r\n\0")),
    max_size=8,
)
contents = lines.map(lambda found: b"".join(line + b"\r\n" for line in found))
names = st.lists(
    st.sampled_from([f"{name}@b.example" for name in "abcdefgh"]), min_size=1, max_size=6
)
letters = st.lists(st.tuples(names, contents), min_size=1, max_size=4)
some = st.frozensets(st.sampled_from([f"{name}@b.example" for name in "abcdefgh"]), max_size=8)


def prepared(found: Sequence[tuple[list[str], bytes]]) -> list[tuple[Letter, bytes]]:
    return [
        (Letter("ann@a.example", tuple(names), len(content)), content) for names, content in found
    ]


@given(letters, some, st.integers(1, 50), st.booleans())
def test_what_is_sent_arrives_as_it_is(
    found: list[tuple[list[str], bytes]], refused: frozenset[str], block: int, extended: bool
) -> None:
    sender, peer = Sender(prepared(found), block), Peer(refused, extended=extended)
    talk(sender, peer)
    taken = iter(peer.taken)
    assert len(sender.outcomes) == len(found)
    for (names, content), outcome in zip(found, sender.outcomes, strict=True):
        accepted = tuple(name for name in names if name not in refused)
        if accepted:
            assert next(taken) == ("ann@a.example", accepted, content)
        assert outcome.reusable
        assert [result.fate for result in outcome.results] == [
            Fate.REFUSED if name in refused else Fate.DELIVERED for name in names
        ]
    assert next(taken, None) is None


@given(letters, some, some)
def test_lmtp_says_it_of_each(
    found: list[tuple[list[str], bytes]], refused: frozenset[str], full: frozenset[str]
) -> None:
    sender, peer = Sender(prepared(found)), Peer(refused, full)
    talk(sender, peer, Service.LMTP)
    for (names, _), outcome in zip(found, sender.outcomes, strict=True):
        assert [result.fate for result in outcome.results] == [
            Fate.REFUSED if name in refused else Fate.TEMPORARY if name in full else Fate.DELIVERED
            for name in names
        ]


@pytest.mark.parametrize("block", [1000, 100_000])
def test_a_large_content_is_never_whole_in_memory(block: int) -> None:
    content = b"." * 70 + b"\r\n" + b"x" * 70 + b"\r\n"
    content *= 10_000
    sender, peer = Sender(prepared([(["bob@b.example"], content)]), block), Peer()
    talk(sender, peer)
    assert peer.taken == [("ann@a.example", ("bob@b.example",), content)]
