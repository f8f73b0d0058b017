"""The one engine: what holds for every dialogue that it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.protocols.dialogue import (
    TLS,
    Dialogue,
    Failed,
    Interrupted,
    Lines,
    LineTooLong,
    ReadLine,
    Reason,
    StartTLS,
    allow,
    ask,
    read_line,
    read_line_or_notice,
    read_lines,
    read_octets,
    rest,
    send,
    show,
    start_tls,
    take_notices,
)
from posthouse.protocols.engine import FLOOD, FLUSH, HIGH_WATER, NOTICES, STRETCH, Engine

SECURE = TLS("TLSv1.3", "TLS_AES_256_GCM_SHA384")


def drain(engine: Engine, answer: Callable[[object], object] = lambda event: event) -> list[object]:
    """Run until more input is wanted: the events, and the octets sent between them."""
    seen: list[object] = []
    while (event := engine.next_event()) is not None:
        if octets := engine.send():
            seen.append(octets)
        if event is not FLUSH:
            seen.append(event)
        if engine.asked:
            engine.answer(answer(event))
    if octets := engine.send():
        seen.append(octets)
    return seen


# Splits


def everything(limit: int) -> Dialogue[None]:
    """Reads in every way; says what it has read in a form that no split can change."""
    while True:
        try:
            line = yield from read_line(limit)
        except LineTooLong:
            yield from send(b"<too long>")
            continue
        yield from send(b"<%b>" % line)
        word = line[:1]
        if word == b"d":
            yield from lines(limit)
        elif word == b"o":
            wanted = len(line)
            while wanted:
                octets = yield from read_octets(wanted)
                wanted -= len(octets)
                yield from send(octets)
            yield from send(b"<all>")
        elif word == b"q":
            yield from send((yield from ask(line, bytes)))


def lines(limit: int) -> Dialogue[None]:
    broken = ended = False
    octets = b""
    while not ended:
        given = yield from read_lines(b".", limit)
        ended = given.ended
        broken = broken or given.broken
        octets += given.octets
    yield from send(b"<broken>" if broken else octets)


WORDS = st.sampled_from(
    [b"d\r\n", b"oxx\r\n", b"q\r\n", b".\r\n", b"\r\n", b"\r", b"\n", b".", b"xyz"]
)
INPUT = st.lists(WORDS | st.binary(max_size=4), max_size=20).map(b"".join)


def said(octets: bytes, cuts: list[int]) -> bytes:
    engine = Engine(everything(4))
    seen = drain(engine)
    places = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        engine.receive(octets[start:end])
        seen += drain(engine)
    flat = [item if isinstance(item, bytes) else repr(item).encode() for item in seen]
    return b"".join(flat)


@given(INPUT, st.lists(st.integers(0, 1000), max_size=8))
@example(b"d\r\n.\r\n\r\nq\r\n", [])
def test_any_split_gives_the_same_output(octets: bytes, cuts: list[int]) -> None:
    whole = said(octets, [])
    assert said(octets, cuts) == whole
    assert said(octets, list(range(len(octets)))) == whole


# Lines


def test_crlf_alone_ends_a_line() -> None:
    def dialogue() -> Dialogue[None]:
        while True:
            yield from show((yield from read_line()))

    engine = Engine(dialogue())
    engine.receive(b"a\nb\rc\r\r\nd\n\r\n\r\n")
    assert drain(engine) == [b"a\nb\rc\r", b"d\n", b""]


@pytest.mark.parametrize("step", [1, 2, 1000])
@pytest.mark.parametrize("length", [9, 10, 11, 12, 13, 50])
def test_a_line_over_the_limit_is_skipped_to_its_end(length: int, step: int) -> None:
    def dialogue() -> Dialogue[None]:
        while True:
            try:
                yield from show(len((yield from read_line(10))))
            except LineTooLong:
                yield from show("too long")

    engine = Engine(dialogue())
    octets = b"x" * length + b"\r\nxy\r\n"
    seen = []
    for i in range(0, len(octets), step):
        engine.receive(octets[i : i + step])
        seen += drain(engine)
    assert seen == [length if length <= 10 else "too long", 2]


@pytest.mark.parametrize("ended", [True, False])
def test_a_line_without_end_interrupts(ended: bool) -> None:
    reasons = []

    def dialogue() -> Dialogue[None]:
        try:
            yield from read_line(10)
        except Interrupted as why:
            reasons.append(why.reason)

    engine = Engine(dialogue())
    for _ in range(FLOOD // 65536):
        engine.receive(b"x" * 65536)
        drain(engine)
        assert engine.buffered <= 11
    engine.receive(b"x\r\n" if ended else b"xx")
    drain(engine)
    assert reasons == [Reason.FLOOD]
    assert engine.over


def test_lines_come_as_blocks_up_to_the_last() -> None:
    def dialogue() -> Dialogue[None]:
        while not (yield from read_lines(b".")).ended:
            yield from show("more")
        yield from show((yield from read_line()))

    engine = Engine(dialogue())
    engine.receive(b"a\r\nb\r\nc")
    assert drain(engine) == ["more"]
    engine.receive(b"\r\n.\r")
    assert drain(engine) == ["more"]
    engine.receive(b"\nnext\r\n")
    assert drain(engine) == [b"next"]


@pytest.mark.parametrize(
    "octets", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"x.\r\n", b"\r\n.\n", b". \r\n"]
)
def test_only_the_whole_line_ends_lines(octets: bytes) -> None:
    seen: list[Lines] = []

    def dialogue() -> Dialogue[None]:
        while not seen or not seen[-1].ended:
            seen.append((yield from read_lines(b".")))

    engine = Engine(dialogue())
    engine.receive(octets + b"\r\n")
    drain(engine)
    assert not engine.over
    engine.receive(b".\r\n")
    drain(engine)
    assert engine.over
    assert b"".join(lines.octets for lines in seen) == octets + b"\r\n"


@pytest.mark.parametrize("first", [b".", b"x"])
@pytest.mark.parametrize("length", [*range(STRETCH - 6, STRETCH + 7), 3 * STRETCH])
def test_the_last_line_is_found_however_far_it_is_from_a_dot(first: bytes, length: int) -> None:
    seen: list[Lines] = []

    def dialogue() -> Dialogue[None]:
        seen.append((yield from read_lines(b".", 9 * STRETCH)))
        seen.append((yield from read_lines(b".", 9 * STRETCH)))

    engine = Engine(dialogue())
    octets = b"a" + first + b"x" * length + b"\r\n"
    engine.receive(octets + b".\r\n" + octets + b"..\r\n" + octets + b".\r\n")
    drain(engine)
    assert [(each.octets, each.ended, each.marked) for each in seen] == [
        (octets, True, False),
        (octets + b"..\r\n" + octets, True, True),
    ]


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize(("length", "broken"), [(100, False), (101, True), (5000, True)])
def test_lines_know_that_one_is_too_long(length: int, broken: bool, step: int) -> None:
    seen: list[Lines] = []

    def dialogue() -> Dialogue[None]:
        while not seen or not seen[-1].ended:
            seen.append((yield from read_lines(b".", 100)))

    engine = Engine(dialogue())
    octets = b"ab\r\n" * 40 + b"x" * length + b"\r\n" + b"cd\r\n" * 40 + b".\r\n"
    for i in range(0, len(octets), step):
        engine.receive(octets[i : i + step])
        drain(engine)
        assert engine.buffered < 102 + step
    assert engine.over
    assert any(lines.broken for lines in seen) is broken


def test_a_long_line_in_small_pieces_is_scanned_once() -> None:
    def dialogue() -> Dialogue[None]:
        while not (yield from read_lines(b".", 1_000_000)).ended:
            pass

    def seconds(octets: int) -> float:
        engine = Engine(dialogue())
        began = time.process_time()
        for _ in range(octets):
            engine.receive(b"x")
            engine.next_event()
        return time.process_time() - began

    short, long = min(seconds(20_000) for _ in range(3)), min(seconds(80_000) for _ in range(3))
    assert long < 16 * short  # four times as long; sixteen would be its square


# Octets


def test_octets_come_as_they_are() -> None:
    def dialogue() -> Dialogue[None]:
        wanted = 5
        while wanted:
            octets = yield from read_octets(wanted)
            wanted -= len(octets)
            yield from show(octets)
        yield from show((yield from read_line()))

    engine = Engine(dialogue())
    engine.receive(b"\r\n")
    assert drain(engine) == [b"\r\n"]
    engine.receive(b"\0\r\nx\r\n")
    assert drain(engine) == [b"\0\r\n", b"x"]


# Questions


def test_an_agent_that_fails() -> None:
    def dialogue() -> Dialogue[None]:
        try:
            yield from ask("?", str)
        except Failed:
            yield from send(b"later")

    engine = Engine(dialogue())
    assert engine.next_event() == "?"
    assert engine.asked
    engine.fail(Failed())
    assert drain(engine) == [b"later"]
    assert engine.over


def test_a_failure_that_the_dialogue_does_not_expect_ends_it() -> None:
    def dialogue() -> Dialogue[None]:
        yield from ask("?", str)

    engine = Engine(dialogue())
    engine.next_event()
    engine.fail(Failed())
    assert engine.over


def test_nothing_is_read_while_a_question_is_open() -> None:
    def dialogue() -> Dialogue[None]:
        yield from send((yield from ask((yield from read_line()), bytes)))
        yield from show((yield from read_line()))

    engine = Engine(dialogue())
    engine.receive(b"one\r\ntwo\r\n")
    assert engine.next_event() == b"one"
    assert engine.next_event() == b"one"
    assert engine.within is None
    engine.interrupt(Reason.TIMEOUT)  # the peer is not waited for
    engine.answer(b"1")
    assert drain(engine) == [b"1", b"two"]


# Notices


def listening() -> Dialogue[None]:
    while True:
        yield from show((yield from read_line_or_notice()))


def test_the_peer_has_its_turn_however_many_notices_come() -> None:
    engine = Engine(listening())
    for number in range(NOTICES + 2):
        engine.notify(number)
    engine.receive(b"x\r\n")
    assert drain(engine) == [*range(NOTICES), b"x", NOTICES, NOTICES + 1]


def test_notices_come_before_lines_and_equal_ones_once() -> None:
    engine = Engine(listening())
    engine.notify("a")
    engine.notify("b")
    engine.notify("a")
    engine.receive(b"x\r\n")
    assert drain(engine) == ["a", "b", b"x"]
    engine.notify("a")
    assert drain(engine) == ["a"]


def test_a_notice_does_not_disturb_half_a_line() -> None:
    engine = Engine(listening())
    engine.receive(b"do")
    engine.notify("news")
    assert drain(engine) == ["news"]
    engine.receive(b"ne\r\n")
    assert drain(engine) == [b"done"]


def test_notices_wait_until_they_are_taken() -> None:
    def dialogue() -> Dialogue[None]:
        yield from read_line()
        yield from show((yield from take_notices()))
        yield from show((yield from take_notices()))

    engine = Engine(dialogue())
    engine.notify(1)
    engine.notify(2)
    assert drain(engine) == []
    engine.receive(b"\r\n")
    assert drain(engine) == [(1, 2), ()]


# STARTTLS


def upgrading() -> Dialogue[None]:
    while True:
        line = yield from read_line()
        yield from send(b"<%b>" % line)
        if line == b"starttls":
            yield from show((yield from start_tls()))


def test_what_came_in_the_clear_is_thrown_away() -> None:
    engine = Engine(upgrading())
    engine.receive(b"starttls\r\ninjected\r\nhal")
    event = engine.next_event()
    assert isinstance(event, StartTLS)
    assert engine.send() == b"<starttls>"
    engine.receive(b"injected too\r\n")
    assert engine.buffered == 0
    engine.answer(SECURE)
    engine.receive(b"secure\r\n")
    assert drain(engine) == [SECURE, b"<secure>"]


# Ends


def obeying() -> Dialogue[None]:
    try:
        while True:
            line = yield from read_line(command=True)
            yield from send(b"<%b>" % line)
            if line == b"more":
                yield from send(b"<%b>" % (yield from read_line()))
    except Interrupted as why:
        yield from send(why.reason.value.encode())


def test_finish_waits_for_the_end_of_a_command() -> None:
    engine = Engine(obeying())
    engine.receive(b"more\r\n")
    assert drain(engine) == [b"<more>"]
    engine.finish()
    assert drain(engine) == []
    engine.receive(b"rest\r\nnext\r\n")
    assert drain(engine) == [b"<rest>shutdown"]
    assert engine.over


def test_who_is_shut_out_is_not_waited_for() -> None:
    """Not for the rest of a command either; but the agent answers first."""
    engine = Engine(obeying())
    engine.receive(b"more\r\n")
    drain(engine)
    engine.notify(Reason.SHUT_OUT)
    assert drain(engine) == [b"shut out"]
    assert engine.over

    def dialogue() -> Dialogue[None]:
        try:
            yield from ask("who?", str)
            yield from send(b"answered, ")
            yield from read_line(command=True)
        except Interrupted as why:
            yield from send(why.reason.value.encode())

    engine = Engine(dialogue())
    assert engine.next_event() == "who?"
    engine.notify(Reason.SHUT_OUT)
    engine.answer("you")
    assert drain(engine) == [b"answered, shut out"]


def test_finish_ends_a_wait_for_notices() -> None:
    def dialogue() -> Dialogue[None]:
        try:
            yield from read_line_or_notice()
        except Interrupted as why:
            yield from send(why.reason.value.encode())

    engine = Engine(dialogue())
    engine.finish()
    assert drain(engine) == [b"shutdown"]


def test_a_timeout_interrupts_at_once() -> None:
    engine = Engine(obeying())
    engine.receive(b"more\r\nha")
    drain(engine)
    engine.interrupt(Reason.TIMEOUT)
    assert drain(engine) == [b"timeout"]
    assert engine.over
    engine.receive(b"lf\r\n")
    assert drain(engine) == []
    assert engine.buffered == 0


def test_a_peer_that_goes_closes_the_dialogue() -> None:
    ended = []

    def dialogue() -> Dialogue[None]:
        try:
            yield from ask("?", str)
        finally:
            ended.append(True)

    engine = Engine(dialogue())
    engine.next_event()
    engine.close()
    assert ended
    assert engine.over
    assert engine.next_event() is None
    engine.notify("late")
    engine.close()


# Limits


def test_output_is_held_up_for_the_peer() -> None:
    def dialogue() -> Dialogue[None]:
        for _ in range(100):
            yield from send(b"x" * 10_000)

    engine = Engine(dialogue())
    flushes = 0
    while (event := engine.next_event()) is not None:
        assert event is FLUSH
        assert HIGH_WATER < len(engine.send()) <= HIGH_WATER + 10_000
        flushes += 1
    assert flushes == 100 * 10_000 // (HIGH_WATER + 10_000 - HIGH_WATER % 10_000)


def test_time_is_the_drivers() -> None:
    def dialogue() -> Dialogue[None]:
        yield from allow(60.0)
        yield from read_line(within=5.0)
        yield from read_line(within=5.0)
        yield from allow(None)
        yield from read_octets(1, within=3.0)

    engine = Engine(dialogue())
    drain(engine)
    assert (engine.allowance, engine.allowances, engine.within) == (60.0, 1, 5.0)
    first = engine.step
    assert isinstance(first, ReadLine)
    engine.receive(b"x")
    drain(engine)
    assert engine.step is first
    engine.receive(b"\r\n")
    drain(engine)
    assert engine.step is not first
    engine.receive(b"\r\n")
    drain(engine)
    assert (engine.allowance, engine.allowances, engine.within) == (None, 2, 3.0)


def test_a_question_right_behind_an_event_is_not_taken_for_it() -> None:
    def dialogue() -> Dialogue[None]:
        yield from show("event")
        yield from send((yield from ask("question", bytes)))

    engine = Engine(dialogue())
    assert engine.next_event() == "event"
    assert not engine.asked
    assert engine.next_event() == "question"
    assert engine.asked
    engine.answer(b"answer")
    assert engine.next_event() is None
    assert engine.send() == b"answer"


def test_a_rest_behind_a_question_is_no_question() -> None:
    def dialogue() -> Dialogue[None]:
        yield from show((yield from ask("question", str)))
        yield from ask("another", str)
        yield from rest()
        yield from send(b"done")

    engine = Engine(dialogue())
    assert drain(engine) == ["question", "question", "another", b"done"]
