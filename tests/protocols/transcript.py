"""Plays transcripts: one behaviour of a server in one file, readable as documentation.

    # SIZE: a message that is declared too large is refused before it is sent.
    # RFC 1870 §6.1
    largest: 1000

    S: 220 mx.example ESMTP
    C: EHLO client.example
    S: ...
    C: MAIL FROM:<ann@a.example> SIZE=1001
    E: none
    S: 552 5.3.4 message size exceeds fixed maximum message size

The head is a sentence, where it is written, and `key: value` settings. Then turns: what is done,
and what must come of it. A digit after the letter names a connection (`C2:`); 1 is meant without.

    C: text        the client sends a line          S: text    the server sends this line
    C| octets      octets, with escapes             S: ...     any lines, or none
    C* 9000 octets the same, so many times          S: (closed) the server closes
    !: timeout     (shutdown, flood, gone) the      E: Mail(sender='x')  the agent is shown this,
                   dialogue is interrupted                     with these fields at least
    N: text        a notice, made by the stage      E: none    the agent is shown nothing
                                                    A: text    its answer to the `E:` before;
                                                               `failed`: it cannot answer;
                                                               `damaged`: nor ever can
`$name` in `S:` catches what stands there; later it stands for what it caught, also in `C:`.
Consecutive lines of the client are one write. A turn without `E:` does not look at events.
In a file with the setting `role: client` the client is what is tested: `S:` is what it is sent,
`C:` what it must say. The setting `pieces: at once` keeps a file from being played octet by octet.
"""

from __future__ import annotations

import ast
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import pytest

from posthouse.protocols.dialogue import TLS, Damaged, Failed, Reason, StartTLS
from posthouse.protocols.engine import FLUSH, Engine

CLOSED = "(closed)"
ANY = "..."
REST = " ..."  # at the end of a line: whatever follows


class Stage(Protocol):
    """What a protocol's test gives: engines, and an agent that answers."""

    def open(self, connection: int) -> Engine: ...
    def answer(self, connection: int, question: object, text: str | None) -> object: ...
    def show(self, connection: int, event: object) -> None: ...
    def notice(self, connection: int, text: str) -> object: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a transcript."""

    side: str  # C S E A N !
    mark: str  # what follows the side: ":" "|" "*"
    connection: int
    text: str


@dataclass(slots=True)
class Turn:
    """What is done, and what must come of it."""

    acts: list[Entry] = field(default_factory=list)
    expected: list[Entry] = field(default_factory=list)

    @property
    def connections(self) -> list[int]:
        return sorted({entry.connection for entry in (*self.acts, *self.expected)})

    def told(self, connection: int) -> list[Entry]:
        return [entry for entry in self.expected if entry.connection == connection]

    @property
    def starts_tls(self) -> bool:
        return any(e.side == "E" and e.text.startswith("StartTLS") for e in self.expected)


@dataclass(frozen=True, slots=True)
class Transcript:
    path: Path
    settings: Mapping[str, str]
    turns: Sequence[Turn]

    @property
    def for_sockets(self) -> bool:
        """A running server can be asked the same: nothing is done to its inside."""
        sides = {e.side for turn in self.turns for e in (*turn.acts, *turn.expected)}
        return not sides & {"A", "N", "!"}


NAME = re.compile(r"\$([a-z]\w*)")  # lower case: $Forwarded is a keyword of IMAP
ENTRY = re.compile(r"([CSEAN!])([1-9]?)([:|*]) ?(.*)")


def read(path: Path) -> Transcript:
    """A transcript from its file."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    pairs = (line.partition(":") for line in head.splitlines() if not line.startswith("#"))
    settings = {key.strip(): value.strip() for key, _, value in pairs}
    turns = [Turn()]
    for line in body.splitlines():
        if not line or line.startswith("#"):
            continue
        found = ENTRY.fullmatch(line)
        assert found, f"{path.name}: {line!r} is no line of a transcript"
        side, connection, mark, text = found.groups()
        if settings.get("role") == "client":
            side = {"C": "S", "S": "C"}.get(side, side)
        entry = Entry(side, mark, int(connection or 1), text)
        if side in "CN!":
            if turns[-1].expected:
                turns.append(Turn())
            turns[-1].acts.append(entry)
        else:
            turns[-1].expected.append(entry)
    return Transcript(path, settings, turns)


def cases(folder: Path, pattern: str) -> list[Any]:
    """Parameters `transcript, by_octet` for a test: every file, whole and octet by octet."""
    given = []
    for path in sorted(folder.rglob(pattern)):
        transcript = read(path)
        given.append(pytest.param(transcript, False, id=path.stem))
        if transcript.settings.get("pieces") != "at once":
            given.append(pytest.param(transcript, True, id=f"{path.stem} octet by octet"))
    assert given, f"no {pattern} under {folder}"
    return given


# On engines


class _Scene:
    """One connection of a transcript that is played on engines."""

    def __init__(self, stage: Stage, connection: int) -> None:
        self.stage = stage
        self.connection = connection
        self.engine = stage.open(connection)
        self.partial = b""
        self.closed = False

    def receive(self, octets: bytes, answers: list[tuple[str, str]]) -> Iterator[object]:
        self.engine.receive(octets)
        yield from self.run(answers)

    def run(self, answers: list[tuple[str, str]]) -> Iterator[object]:
        """The lines that are sent and the events that are shown until more input is wanted."""
        engine = self.engine
        while (event := engine.next_event()) is not None:
            yield from self.lines(engine.send())
            if event is FLUSH:
                continue
            yield event
            if engine.asked:
                self.answer(event, answers)
            else:
                self.stage.show(self.connection, event)
        yield from self.lines(engine.send())
        if engine.over and not self.closed:
            self.closed = True
            yield CLOSED

    def lines(self, octets: bytes) -> Iterator[str]:
        *whole, self.partial = (self.partial + octets).split(b"\r\n")
        for line in whole:
            yield line.decode("utf-8", "backslashreplace")

    def answer(self, question: object, answers: list[tuple[str, str]]) -> None:
        found = next((pair for pair in answers if _is_event(pair[0], question)), None)
        text = None
        if found:
            answers.remove(found)
            text = found[1]
        if text in ("failed", "damaged"):
            self.engine.fail(Failed() if text == "failed" else Damaged())
        elif isinstance(question, StartTLS) and text is None:
            self.engine.answer(TLS("TLSv1.3", "TLS_AES_256_GCM_SHA384"))
        else:
            self.engine.answer(self.stage.answer(self.connection, question, text))

    def act(self, entry: Entry, answers: list[tuple[str, str]]) -> Iterator[object]:
        if entry.side == "N":
            self.engine.notify(self.stage.notice(self.connection, entry.text))
        elif entry.text == "shutdown":
            self.engine.finish()
        elif entry.text == "gone":
            self.engine.close()
            closed = getattr(self.stage, "closed", None)  # of an agent that is told of it
            if closed is not None and (event := closed(self.connection)) is not None:
                yield event
        else:
            self.engine.interrupt(Reason(entry.text))
        yield from self.run(answers)


def play(transcript: Transcript, stage: Stage, by_octet: bool) -> None:
    """Play a transcript on engines; an AssertionError says where they part."""
    scenes: dict[int, _Scene] = {}
    caught: dict[str, str] = {}
    for turn in transcript.turns:
        for number in turn.connections:
            if number not in scenes:
                scenes[number] = _Scene(stage, number)
        answers = {number: _answers(turn.told(number)) for number in scenes}
        seen = {number: list(scenes[number].run(answers[number])) for number in scenes}
        for connection, act in _writes(turn.acts, caught):
            scene, to = scenes[connection], answers[connection]
            if isinstance(act, Entry):
                seen[connection] += scene.act(act, to)
                continue
            pieces = [act[i : i + 1] for i in range(len(act))] if by_octet else [act]
            for piece in pieces:
                seen[connection] += scene.receive(piece, to)
        for number, scene in scenes.items():
            seen[number] += scene.run(answers[number])
        for number in scenes:
            caught = _compare(transcript, turn, number, seen[number], caught)


def _answers(told: list[Entry]) -> list[tuple[str, str]]:
    """Each `A:` with the `E:` that it stands beneath."""
    return [(event.text, answer.text) for event, answer in pairwise(told) if answer.side == "A"]


def _writes(acts: list[Entry], caught: Mapping[str, str]) -> Iterator[tuple[int, bytes | Entry]]:
    """Consecutive lines on one connection are one write."""
    waiting, connection = b"", 1
    for entry in acts:
        if waiting and (entry.side != "C" or entry.connection != connection):
            yield connection, waiting
            waiting = b""
        connection = entry.connection
        if entry.side == "C":
            waiting += _octets(entry, caught)
        else:
            yield connection, entry
    if waiting:
        yield connection, waiting


def _octets(entry: Entry, caught: Mapping[str, str]) -> bytes:
    if entry.mark == ":":
        text = NAME.sub(lambda name: caught.get(name[1], name[0]), entry.text)
        return text.encode() + b"\r\n"
    count, text = "1", entry.text
    if entry.mark == "*":
        count, _, text = text.partition(" ")
    return int(count) * text.encode().decode("unicode_escape").encode("latin-1")


# What is expected, and what is seen


def _compare(
    transcript: Transcript, turn: Turn, number: int, seen: list[object], caught: dict[str, str]
) -> dict[str, str]:
    told = [entry for entry in turn.told(number) if entry.side in "SE"]
    events = any(entry.side == "E" for entry in told)
    found = _merged([item for item in seen if events or isinstance(item, str)])
    wanted = [entry for entry in told if entry.text != "none" or entry.side == "S"]
    result = _agree(wanted, found, caught)
    if result is None:
        acts = "\n".join(f"  {a.side}{a.mark} {a.text[:200]}" for a in turn.acts)
        want = "\n".join(f"  {e.side}: {e.text}" for e in wanted)
        have = "\n".join(f"  {'S' if isinstance(i, str) else 'E'}: {i}" for i in found)
        pytest.fail(
            f"{transcript.path.name}, connection {number}:\n{acts}\nexpected\n{want}\nseen\n{have}",
            pytrace=False,
        )
    return result


def _merged(seen: list[object]) -> list[object]:
    """The same with neighbouring pieces of octets put together."""
    result: list[object] = []
    for item in seen:
        octets = getattr(item, "octets", None)
        if octets == b"":
            continue
        if isinstance(octets, bytes) and result and type(result[-1]) is type(item):
            before: Any = result.pop()
            item = replace(before, octets=before.octets + octets)
        result.append(item)
    return result


def _agree(
    expected: Sequence[Entry], seen: Sequence[object], caught: dict[str, str]
) -> dict[str, str] | None:
    """What has been caught if they agree, else None."""
    if not expected:
        return None if seen else caught
    first, rest = expected[0], expected[1:]
    if first.side == "S" and first.text == ANY:
        result = _agree(rest, seen, caught)
        if result is None and seen and isinstance(seen[0], str) and seen[0] != CLOSED:
            result = _agree(expected, seen[1:], caught)
        return result
    if not seen:
        return None
    if first.side == "E":
        return _agree(rest, seen[1:], caught) if _is_event(first.text, seen[0]) else None
    if not isinstance(seen[0], str):
        return None
    found = re.fullmatch(_pattern(first.text, caught), seen[0])
    return _agree(rest, seen[1:], caught | found.groupdict()) if found else None


def _pattern(text: str, caught: Mapping[str, str]) -> str:
    if text.endswith(REST):
        return _pattern(text.removesuffix(REST), caught) + ".*"
    parts = NAME.split(text)
    here: set[str] = set()
    for i, part in enumerate(parts):
        if i % 2 == 0:
            parts[i] = re.escape(part)
        elif part in caught:
            parts[i] = re.escape(caught[part])
        else:
            parts[i] = f"(?P={part})" if part in here else rf"(?P<{part}>\S+)"
            here.add(part)
    return "".join(parts)


def _is_event(text: str, event: object) -> bool:
    return not isinstance(event, str) and _same(ast.parse(text, mode="eval").body, event)


def _same(wanted: ast.expr, value: object) -> bool:
    """`Name` or `Name(field=literal, ...)` against an object; a literal also against its text."""
    match wanted:
        case ast.Name(name):
            return type(value).__name__ == name
        case ast.Call(ast.Name(name), [], keywords):
            return type(value).__name__ == name and all(
                _same(keyword.value, getattr(value, keyword.arg or "")) for keyword in keywords
            )
        case ast.List(items) if isinstance(value, list | tuple):
            return len(items) == len(value) and all(map(_same, items, value))
    literal = ast.literal_eval(wanted)
    return bool(value == literal) or str(value) == literal


# On a running server


def play_on_sockets(
    transcript: Transcript,
    connect: Callable[[], socket.socket],
    tls: ssl.SSLContext | None = None,
) -> None:
    """Play a transcript, without its `E:` lines, on connections to a running server."""
    wires: dict[int, _Wire] = {}
    caught: dict[str, str] = {}
    try:
        for turn in transcript.turns:
            for number in turn.connections:
                if number not in wires:
                    wires[number] = _Wire(connect())
            for connection, act in _writes(turn.acts, caught):
                assert isinstance(act, bytes), "made for engines"
                wires[connection].socket.sendall(act)
            for number, wire in wires.items():
                told = [entry for entry in turn.told(number) if entry.side == "S"]
                if told:
                    caught = wire.expect(transcript, told, caught)
            if turn.starts_tls:
                assert tls is not None
                wire = wires[turn.expected[0].connection]
                wire.socket = tls.wrap_socket(wire.socket, server_hostname="localhost")
    finally:
        for wire in wires.values():
            wire.socket.close()


class _Wire:
    """One connection to a running server. Lines after `S: ...` may come with a later turn."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        self.socket = connection
        self.partial = b""
        self.expected: list[Entry] = []
        self.seen: list[object] = []

    def expect(
        self, transcript: Transcript, told: list[Entry], caught: dict[str, str]
    ) -> dict[str, str]:
        self.expected += told
        while (result := _agree(self.expected, self.seen, caught)) is None:
            try:
                octets = self.socket.recv(65536)
            except TimeoutError:
                pytest.fail(f"{transcript.path.name}: {told}\nseen {self.seen}", pytrace=False)
            except ConnectionError:
                octets = b""
            if not octets:
                assert CLOSED not in self.seen, f"{transcript.path.name}: {told} {self.seen}"
                self.seen.append(CLOSED)
            *whole, self.partial = (self.partial + octets).split(b"\r\n")
            self.seen += [line.decode("utf-8", "backslashreplace") for line in whole]
        if self.expected[-1].text != ANY:
            self.expected, self.seen = [], []
        return result
