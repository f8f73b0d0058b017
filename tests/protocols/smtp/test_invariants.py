"""What holds of the SMTP server whatever is sent."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.dialogue import LINE_LIMIT, TLS, StartTLS
from posthouse.protocols.engine import FLOOD, HIGH_WATER, Engine
from posthouse.protocols.smtp.dialect import DIALECTS
from posthouse.protocols.smtp.events import Content
from posthouse.protocols.smtp.session import Service, Settings, State
from posthouse.protocols.smtp.verbs import VERBS
from tests.protocols.smtp.stage import Stage

SETTINGS = [
    {"service": "smtp"},
    {"service": "smtp", "normalise": "yes", "largest": "100", "text_line": "20"},
    {"service": "submission", "tls": "active", "plaintext": "yes", "errors": "1000"},
]

WORDS = st.sampled_from(
    [
        b"EHLO x\r\n",
        b"HELO x\r\n",
        b"MAIL FROM:<a@b> SIZE=3\r\n",
        b"RCPT TO:<c@d>\r\n",
        b"RCPT TO:<nobody@d>\r\n",
        b"DATA\r\n",
        b".\r\n",
        b"..\r\n",
        b"x\r\n",
        b"abc",
        b"RSET\r\n",
        b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n",
        b"AUTH LOGIN\r\n",
        b"*\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"\xff",
        b"x" * 40,
    ]
)
INPUT = st.lists(WORDS | st.binary(max_size=5), max_size=14).map(b"".join)


def run(stage: Stage, engine: Engine, pieces: Iterable[bytes]) -> bytes:
    """What the server says to these pieces of input."""
    said = b""
    for piece in (b"", *pieces):
        engine.receive(piece)
        while (event := engine.next_event()) is not None:
            said += engine.send()
            if engine.asked:
                engine.answer(stage.answer(1, event, None))
        said += engine.send()
    return said


@pytest.mark.parametrize("settings", SETTINGS)
@given(INPUT, st.integers(0, 200), st.integers(1, 20))
def test_any_split_gives_the_same_output(
    settings: dict[str, str], octets: bytes, first: int, size: int
) -> None:
    stage = Stage(settings)
    whole = run(stage, stage.open(1), [octets])
    pieces = [octets[:first], *(octets[i : i + size] for i in range(first, len(octets), size))]
    assert run(stage, stage.open(1), pieces) == whole


@given(INPUT)
def test_every_reply_is_one(octets: bytes) -> None:
    """RFC 5321 §4.2, RFC 2034 §4"""
    stage = Stage({"service": "submission", "tls": "active", "errors": "1000"})
    said = run(stage, stage.open(1), [octets])
    assert said.endswith(b"\r\n")
    for line in said.decode("ascii").removesuffix("\r\n").split("\r\n"):
        assert line[:1] in "2345"
        assert line[:3].isdigit()
        assert line[3] in " -"
        if line[:3] not in ("220", "334", "354") and not _is_ehlo(line):
            assert line[4:].startswith(line[0] + "."), line


def _is_ehlo(line: str) -> bool:
    return line.startswith("250") and not line[4:].startswith("2.")


@pytest.mark.parametrize("service", list(Service))
@pytest.mark.parametrize("state", [state for state in State if state is not State.CLOSED])
def test_every_verb_is_answered_in_every_state(service: Service, state: State) -> None:
    before = {
        State.CONNECTED: b"",
        State.GREETED: b"EHLO x\r\n",
        State.MAIL: b"EHLO x\r\nMAIL FROM:<a@b>\r\n",
        State.RCPT: b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n",
    }[state]
    arguments = [b"", b"x", b"FROM:<a@b>", b"TO:<c@d>", b"PLAIN", b"LOGIN ="]
    for verb in {*VERBS, *DIALECTS[service].verbs} - {"STARTTLS"}:
        for argument in arguments:
            stage = Stage({"service": service.value, "tls": "active"})
            engine = stage.open(1)
            run(stage, engine, [before])
            line = verb.encode() + b" " + argument + b"\r\n"
            assert run(stage, engine, [line]).endswith(b"\r\n"), line


def test_a_log_in_that_starttls_undoes_has_its_time_again() -> None:
    stage = Stage({"service": "submission", "tls": "offered", "plaintext": "yes"})
    engine = stage.open(1)
    run(stage, engine, [b"EHLO x\r\n"])
    assert engine.allowance == Settings("mx.example").log_in_time
    run(stage, engine, [b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n"])
    assert engine.allowance is None
    engine.receive(b"STARTTLS\r\n")
    assert isinstance(engine.next_event(), StartTLS)
    engine.answer(TLS("TLSv1.3", "x"))
    run(stage, engine, [b"EHLO x\r\n"])
    assert engine.allowance == Settings("mx.example").log_in_time


@pytest.mark.parametrize("before", [b"", b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"])
def test_attack_09_an_endless_line_takes_no_memory(before: bytes) -> None:
    stage = Stage({})
    engine = stage.open(1)
    run(stage, engine, [before])
    for _ in range(4 * FLOOD // 65536):
        run(stage, engine, [b"x" * 65536])
        assert engine.buffered <= LINE_LIMIT + 2
        assert len(engine.send()) <= HIGH_WATER


def test_attack_12_what_comes_above_the_limit_is_not_kept() -> None:
    stage = Stage({"largest": "100000"})
    engine = stage.open(1)
    run(stage, engine, [b"EHLO x\r\nMAIL FROM:<a@b> SIZE=10\r\nRCPT TO:<c@d>\r\nDATA\r\n"])
    shown = 0
    for _ in range(1000):
        engine.receive(b"x" * 998 + b"\r\n")
        while (event := engine.next_event()) is not None:
            assert isinstance(event, Content)
            shown += len(event.octets)
        assert engine.buffered == 0
    assert shown <= 100_000
    assert run(stage, engine, [b".\r\n"]).startswith(b"552 5.3.4 ")
