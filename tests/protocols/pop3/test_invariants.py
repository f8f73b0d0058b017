"""What holds of the POP3 engine whatever comes in, and however it is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.protocols.dialogue import TLS, Failed, StartTLS
from posthouse.protocols.engine import FLUSH, HIGH_WATER, Engine
from posthouse.protocols.pop3.capabilities import ALL
from posthouse.protocols.pop3.commands import COMMANDS
from posthouse.protocols.pop3.content import Stuffing, Top
from posthouse.protocols.pop3.events import Maildrop, Open
from posthouse.protocols.pop3.server import serve
from posthouse.protocols.pop3.session import Session
from posthouse.protocols.sasl import BY_PASSWORD
from posthouse.protocols.sasl.mechanism import Accepted, Password
from tests.protocols.pop3.stage import Stage

LOGIN = b"USER ann\r\nPASS secret\r\n"
WORDS = sorted({*COMMANDS, *(word for capability in ALL for word in capability.added)})


def run(engine: Engine, pieces: list[bytes], stage: Stage, failing: bool = False) -> bytes:
    """All that is sent when the client sends these pieces."""
    sent = b""
    for piece in [b"", *pieces]:
        engine.receive(piece)
        while (event := engine.next_event()) is not None:
            sent += engine.send()
            if isinstance(event, StartTLS):
                engine.answer(TLS("TLSv1.3", ""))
            elif engine.asked and failing:
                engine.fail(Failed())
            elif engine.asked:
                engine.answer(stage.answer(1, event, None))
        sent += engine.send()
    return sent


lines = st.sampled_from(
    [
        LOGIN,
        b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n",
        b"AUTH LOGIN\r\n",
        b"YW5u\r\n",
        b"*\r\n",
        b"RETR 1\r\n",
        b"TOP 2 1\r\n",
        b"DELE 1\r\n",
        b"LIST\r\n",
        b"UIDL 2\r\n",
        b"QUIT\r\n",
        b"\n",
        b"\r",
        b"\xff",
        b"x" * 300,
        b"A" * 13000,
    ]
)
without_tls = st.builds(
    lambda secure: Stage({"secure": secure, "tls": "no", "block": "7"}),
    st.sampled_from(["yes", ""]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(lines | st.binary(max_size=5), max_size=12),
    st.lists(st.integers(0, 400), max_size=20),
    without_tls,
    st.booleans(),
)
def test_any_octets_in_any_pieces(
    words: list[bytes], cuts: list[int], stage: Stage, failing: bool
) -> None:
    octets = b"".join(words)
    bounds = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    pieces = [octets[a:b] for a, b in pairwise(bounds)]
    whole = run(stage.open(), [octets], stage, failing)
    assert run(stage.open(), pieces, stage, failing) == whole
    assert whole.startswith(b"+OK ")


@pytest.mark.parametrize("login", [b"", LOGIN], ids=["AUTHORIZATION", "TRANSACTION"])
@pytest.mark.parametrize("argument", [b"", b" 1", b" 1 1", b" x"])
@pytest.mark.parametrize("word", WORDS)
def test_each_command_is_answered_in_each_state(word: str, argument: bytes, login: bytes) -> None:
    stage = Stage({"secure": "yes"})
    before = run(stage.open(), [login], stage)
    after = run(stage.open(), [login, word.encode() + argument + b"\r\n"], stage)
    assert after.startswith(before)
    answer = after[len(before) :]
    assert answer.startswith((b"+OK", b"-ERR "))
    assert answer.endswith(b"\r\n")


pieces_of_content = st.lists(
    st.sampled_from([b".", b"..", b"\r\n", b"\r", b"\n", b"a", b"text", b""]), max_size=30
)


@settings(deadline=None)
@given(pieces_of_content)
def test_stuffing_is_undone_by_the_client(pieces: list[bytes]) -> None:
    """RFC 1939 §3, read as a client does it."""
    stuffing = Stuffing()
    sent = b"".join(stuffing.stuff(piece) for piece in pieces) + stuffing.end()
    content = b"".join(pieces)
    received = []
    for line in sent.split(b"\r\n"):
        if line == b".":
            break
        received.append(line.removeprefix(b"."))
    got = b"".join(line + b"\r\n" for line in received)
    assert got == (content if content.endswith(b"\r\n") or not content else content + b"\r\n")


@settings(deadline=None)
@given(pieces_of_content, st.integers(0, 6))
def test_top_wherever_the_content_is_cut(pieces: list[bytes], lines: int) -> None:
    top = Top(lines)
    sent = b""
    for piece in pieces:
        if not top.ended:
            sent += top.cut(piece)
    header, found, body = (b"\r\n" + b"".join(pieces)).partition(b"\r\n\r\n")
    wanted = b"\r\n".join(body.split(b"\r\n")[:lines])
    if lines and body.count(b"\r\n") >= lines:
        wanted += b"\r\n"
    assert b"\r\n" + sent == header + found + wanted


@pytest.mark.parametrize("command", [b"LIST\r\n", b"UIDL\r\n"])
def test_a_long_listing_waits_for_the_client(command: bytes) -> None:
    count = 100_000
    maildrop = Maildrop((4096,) * count, tuple(f"1-{number}" for number in range(count)))
    engine = serve(Session("pop.example", ALL, BY_PASSWORD, secure=True))
    engine.receive(LOGIN + command)
    flushes, sent, largest = 0, 0, 0
    while (event := engine.next_event()) is not None:
        if isinstance(event, Password):
            engine.answer(Accepted("ann"))
        elif isinstance(event, Open):
            engine.answer(maildrop)
        else:
            assert event is FLUSH
            flushes += 1
        octets = engine.send()
        largest = max(largest, len(octets))
        sent += len(octets)
    sent += len(engine.send())
    assert sent > count * 10
    assert flushes > 10
    assert largest < HIGH_WATER + 64 * 1024


@pytest.mark.parametrize("login", [b"", LOGIN, b"AUTH LOGIN\r\n"])
def test_attack_09_an_endless_line_is_not_kept(login: bytes) -> None:
    """Attack 9."""
    stage = Stage({"secure": "yes"})
    engine = stage.open()
    run(engine, [login], stage)
    for _ in range(200):
        run(engine, [b"x" * 65536], stage)
        assert engine.buffered <= 65536
    assert engine.over
