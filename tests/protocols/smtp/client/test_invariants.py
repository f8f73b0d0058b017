"""What holds of the client whatever the peer says."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.dialogue import Reason
from posthouse.protocols.engine import FLOOD, FLUSH, Engine
from posthouse.protocols.smtp.client.events import Fate, Letter, NextLetter, Outcome
from posthouse.protocols.smtp.client.reply import LINE
from tests.protocols.smtp.client.stage import Stage

SETTINGS = [
    {"letters": "3"},
    {"letters": "2", "to": "bob@b.example carl@b.example", "policy": "none"},
    {"letters": "2", "to": "bob@b.example carl@b.example", "lmtp": "yes"},
    {"login": "ann secret", "plaintext": "yes"},
]

WORDS = st.sampled_from(
    [
        b"220 mx\r\n",
        b"220-mx\r\n",
        b"250-mx\r\n250-PIPELINING\r\n250-SIZE 9999\r\n250 AUTH PLAIN LOGIN\r\n",
        b"250 ok\r\n",
        b"250 2.1.0 ok\r\n",
        b"250\r\n",
        b"250-\r\n",
        b"354 go\r\n",
        b"334 \r\n",
        b"235 in\r\n",
        b"421 4.3.2 bye\r\n",
        b"450 later\r\n",
        b"550-5.1.1 no\r\n550 5.1.1 no\r\n",
        b"554 no\r\n",
        b"250 ok\n",
        b"\r\n",
        b"xyz\r\n",
        b"999 x\r\n",
        b"\xff\0\r",
    ]
)
#: What a peer says that does as it should, and what may come of it.
GOOD = [b"220 mx\r\n", b"250-mx\r\n250 PIPELINING\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"]
INPUT = st.builds(
    lambda good, rest: [*GOOD[:good], *rest],
    st.integers(0, len(GOOD)),
    st.lists(WORDS | st.binary(max_size=6), max_size=12),
)


def run(stage: Stage, engine: Engine, pieces: Iterable[bytes]) -> list[object]:
    """What the client says and shows, what it says as one."""
    seen: list[object] = [b""]
    for piece in (b"", *pieces):
        engine.receive(piece)
        while (event := engine.next_event()) is not None:
            seen[0] += engine.send()  # type: ignore[operator]
            if event is FLUSH:
                continue
            if engine.asked:
                answer = stage.answer(1, event, None)
                if isinstance(event, NextLetter):
                    seen.append(answer)
                engine.answer(answer)
            else:
                seen.append(event)
        seen[0] += engine.send()  # type: ignore[operator]
    return seen


@pytest.mark.parametrize("settings", SETTINGS)
@given(INPUT, st.integers(1, 9))
def test_any_split_gives_the_same(settings: dict[str, str], said: list[bytes], size: int) -> None:
    octets = b"".join(said)
    first, second = Stage(settings), Stage(settings)
    whole = run(first, first.open(1), [octets])
    pieces = [octets[i : i + size] for i in range(0, len(octets), size)]
    assert run(second, second.open(1), pieces) == whole


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("end", ["gone", "timeout"])
@given(INPUT)
def test_every_letter_has_one_outcome(
    settings: dict[str, str], end: str, said: list[bytes]
) -> None:
    stage = Stage(settings)
    engine = stage.open(1)
    seen = run(stage, engine, said)
    if end == "timeout":
        engine.interrupt(Reason.TIMEOUT)
        seen += run(stage, engine, [])[1:]
        assert engine.over
    engine.close()
    seen.append(stage.session.lost())
    letters = [each for each in seen if isinstance(each, Letter)]
    outcomes = [each for each in seen if isinstance(each, Outcome)]
    assert [outcome.letter for outcome in outcomes] == letters
    for outcome in outcomes:
        assert len(outcome.results) == len(outcome.letter.recipients)
        for result in outcome.results:
            assert result.fate is not Fate.DELIVERED or result.reply.code // 100 == 2
            assert result.fate is not Fate.REFUSED or result.reply.status[0] == "5"


@given(INPUT)
def test_doubt_is_only_about_a_message_whose_dot_went_out(said: list[bytes]) -> None:
    """RFC 5321 §4.5.3.2.6, §6.1"""
    stage = Stage({"block": "1000", "policy": "none"})
    engine = stage.open(1)
    spoken, *seen = run(stage, engine, said)
    engine.close()
    outcome = next((each for each in (*seen, stage.session.lost()) if isinstance(each, Outcome)), 0)
    if isinstance(outcome, Outcome):
        assert isinstance(spoken, bytes)
        ended = b"Hello.\r\n.\r\n" in spoken
        (result,) = outcome.results
        assert ended == (result.command == ".")
        assert result.fate is not Fate.DOUBT or ended


@pytest.mark.parametrize("before", [[], GOOD[:1], GOOD])
def test_attack_09_an_endless_reply_takes_no_memory(before: list[bytes]) -> None:
    for flood in (b"x" * 65536, b"250-ok\r\n" * 8192):
        stage = Stage({})
        engine = stage.open(1)
        run(stage, engine, before)
        for _ in range(4 * FLOOD // 65536):
            run(stage, engine, [flood])
            assert engine.buffered <= LINE + 2
        assert engine.over
