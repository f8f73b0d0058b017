"""FETCH: many messages at once are answered as each alone; held contents as those at hand."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.protocols.engine import FLUSH
from posthouse.protocols.imap.fetch.date import INTERNALDATE
from posthouse.protocols.imap.fetch.held import BLOCK
from posthouse.protocols.imap.fetch.item import (
    FLAGS,
    UID,
    Slice,
    from_view,
    message_template,
    render,
)
from posthouse.protocols.imap.fetch.rows import LARGEST
from posthouse.protocols.imap.mail_events import LARGE_HEADER, ReadContent, Row
from posthouse.protocols.imap.view import BLOCK as BLOCK_OF_MESSAGES
from posthouse.protocols.imap.view import LASTING, Selected, View
from tests.protocols.imap.stage import Box, Stage, row
from tests.protocols.imap.test_invariants import run

ITEMS = [
    "FLAGS",
    "UID",
    "INTERNALDATE",
    "RFC822.SIZE",
    "ENVELOPE",
    "BODY",
    "BODYSTRUCTURE",
    "RFC822.HEADER",
    "RFC822.TEXT",
    "BODY.PEEK[]",
    "BODY[]<3.7>",
    "BODY.PEEK[TEXT]<2.90000>",
    "BODY.PEEK[2.HEADER.FIELDS.NOT (From)]<0.30>",
    "BODY.PEEK[2.1]",
    "BODY.PEEK[1.MIME]",
    "BODY[HEADER.FIELDS (From Nothing)]",
    "BODY.PEEK[7.7.TEXT]",
    "BINARY.PEEK[2]",
    "BINARY.PEEK[1]<3.5>",
    "BINARY.PEEK[9]",
    "BINARY.SIZE[2.1]",
    "PREVIEW",
    "EMAILID",
]
LETTERS = {"letters": "plain nested plain encoded nested"}


def fetched(stage: Stage, commands: list[bytes]) -> bytes:
    engine = stage.open()
    lines = [b"s SELECT INBOX\r\n", *[b"a " + command + b"\r\n" for command in commands]]
    sent = run(engine, lines, stage)
    return sent.split(b"[READ-WRITE] selected\r\n")[1]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(ITEMS), min_size=1, max_size=6),
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
)
def test_a_held_content_is_answered_as_one_at_hand(items: list[str], numbers: list[int]) -> None:
    named = ",".join(map(str, numbers))
    command = f"FETCH {named} ({' '.join(items)})".encode()
    answers = {
        fetched(Stage({**LETTERS, "held-from": held}), [command]) for held in ("1", "400", "9999")
    }
    assert len(answers) == 1
    each = [f"FETCH {number} ({' '.join(items)})".encode() for number in sorted(set(numbers))]
    alone = fetched(Stage(LETTERS), each)
    assert answers == {alone.replace(b"a OK fetched\r\n", b"") + b"a OK fetched\r\n"}


@given(
    st.lists(st.sampled_from([b"", b"\\Seen", b"$x y"]), min_size=1, max_size=40),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_recent_is_shown_where_it_is(flags: list[bytes], first: int, length: int) -> None:
    view = View.of(1, [(uid, each, 1) for uid, each in enumerate(flags, 1)])
    selected = Selected("INBOX", 1, False, view, [(first, first + length)])
    items = (UID, FLAGS)
    template = message_template(items, selected)
    lines = b"".join(from_view(selected, [(0, len(view))], items))
    wanted = []
    for uid, each in enumerate(flags, 1):
        recent = b"\\Recent" if first <= uid <= first + length else b""
        shown = b" ".join(filter(None, [recent, each]))
        wanted.append(b"* %d FETCH (UID %d FLAGS (%b))\r\n" % (uid, uid, shown))
    assert lines == b"".join(wanted)
    assert lines == b"".join(
        render(items, Slice.at(selected, [at]), template) for at in range(len(view))
    )


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (0, b" 1-Jan-1970 00:00:00"),
        (-1, b"31-Dec-1969 23:59:59"),
        (1_709_210_096, b"29-Feb-2024 12:34:56"),
        (1 << 62, b"31-Dec-9999"),
        (-(1 << 62), b" 1-Jan-0001"),
    ],
)
def test_internal_dates(time: int, shown: bytes) -> None:
    selected = Selected("INBOX", 1, False, View.of(1, [(1, b"", 1)]))
    its_row: Row = (1, time, None, None, None, None, None, None, None, None)
    line = render(
        (INTERNALDATE,),
        Slice.at(selected, [0], [its_row]),
        message_template((INTERNALDATE,), selected),
    )
    assert line.startswith(b'* 1 FETCH (INTERNALDATE "' + shown)
    assert line.endswith(b' +0000")\r\n')


def test_a_large_content_passes_in_blocks() -> None:
    """What is kept of a message of 20 MB is a block."""
    stage = Stage({"held-from": "1000"})
    content = b"Subject: large\r\n\r\n" + b"x" * 20_000_000
    stage.boxes["INBOX"].add(content=content)
    row(stage.boxes["INBOX"].messages[0], 1000)
    engine = stage.open()
    run(engine, [b"a EXAMINE INBOX\r\n"], stage)
    engine.receive(b"b FETCH 1 BODY[]\r\n")
    size = blocks = 0
    tracemalloc.start()
    try:
        while (event := engine.next_event()) is not None:
            size += len(engine.send())
            if event is FLUSH:
                continue
            blocks += isinstance(event, ReadContent)
            engine.answer(stage.answer(1, event, None))
        size += len(engine.send())
        # The stage itself copies the content when it is asked for the row.
        assert tracemalloc.get_traced_memory()[1] < 2.5 * len(content)
    finally:
        tracemalloc.stop()
    assert size > len(content)
    assert blocks == len(content) // BLOCK + 1


@pytest.mark.parametrize(
    "command",
    [
        b"FETCH 1:12 BODY.PEEK[HEADER.FIELDS (SUBJECT X-None)]",
        b"FETCH 1:12 (ENVELOPE RFC822.HEADER UID)",
        b"SEARCH HEADER X-None none",
        b"SEARCH SENTON 1-Jan-2020 TEXT none",
        b"SORT (CC) UTF-8 ALL",
    ],
)
def test_large_headers_leave_others_their_turn(command: bytes) -> None:
    """Between two of them; the answer is what it would be without."""
    stage = Stage({})
    for number in range(12):
        lines = b"X: y\r\n" * (LARGE_HEADER // 6 + 1) if number % 2 else b""
        content = b"Subject: %d\r\nDate: 1 Jan 2020 00:00:00 +0000\r\n%b\r\n" % (number, lines)
        stage.boxes["INBOX"].add(content=content)
    engine = stage.open()
    run(engine, [b"a EXAMINE INBOX\r\n"], stage)
    engine.receive(b"b " + command + b"\r\n")
    turns = 0
    said = b""
    while (event := engine.next_event()) is not None:
        said += engine.send()
        if event is FLUSH:
            turns += 1
        else:
            engine.answer(stage.answer(1, event, None))
    said += engine.send()
    assert b"\r\nb OK " in b"\r\n" + said
    assert turns >= 6
    if command.startswith(b"FETCH"):
        numbers = [int(line.split()[1]) for line in said.split(b"\r\n") if b" FETCH (" in line]
        assert numbers == list(range(1, 13))


def test_flags_of_a_hundred_thousand_messages() -> None:
    """Kept blocks: asked again, and after one change, next to nothing is made anew."""
    stage = Stage({})
    box = stage.boxes["INBOX"]
    for _ in range(100_000):
        box.add(b"\\Seen")
    engine = stage.open()
    run(engine, [b"a SELECT INBOX\r\n", b"b SELECT INBOX\r\n"], stage)  # the second: none recent
    times = []
    for _ in range(2):
        begun = time.process_time()
        sent = run(engine, [b"c UID FETCH 1:* (FLAGS)\r\n"], stage)
        times.append(time.process_time() - begun)
        assert sent.count(b"\r\n") == 100_001
    assert times[0] < 2
    assert times[1] < 0.5


def test_blocks_of_many_keywords_are_not_kept() -> None:
    """Each message may bear a hundred of them, of 64 octets."""
    stage = Stage({})
    keywords = b" ".join([b"%064d" % at for at in range(100)])
    for _ in range(2 * BLOCK_OF_MESSAGES):
        stage.boxes["INBOX"].add(keywords if len(stage.boxes["INBOX"].messages) < 100 else b"")
    engine = stage.open()
    commands = [b"a EXAMINE INBOX\r\n", b"b NOOP\r\n", b"c UID FETCH 1:* FLAGS\r\n"]
    stage.boxes["INBOX"].recent = 1 << 31
    sent = run(engine, commands, stage)
    assert sent.count(keywords) == 100
    selected = stage.sessions[1].selected
    assert selected is not None
    assert [block for _, block in selected.view.blocks] == [1]


def test_too_many_items() -> None:
    stage = Stage({"messages": "1"})
    engine = stage.open()
    items = b" ".join([b"BODY.PEEK[]<%d.1>" % at for at in range(101)])
    fields = b" ".join([b"X-%d" % at for at in range(201)])
    parts = b".".join([b"1"] * 101)
    wordy = b" ".join(
        [b"BODY.PEEK[HEADER.FIELDS (X-%b)]" % (b"%02d" % at * 100) for at in range(99)]
    )
    run(engine, [b"a SELECT INBOX\r\n"], stage)
    for each in (items, b"BODY[HEADER.FIELDS (" + fields + b")]", b"BODY[" + parts + b"]", wordy):
        assert b"b BAD " in run(engine, [b"b FETCH 1 (" + each + b")\r\n"], stage)


@pytest.mark.parametrize("name", [b"x", b":"])
def test_the_name_of_a_field_that_is_said_with_every_message(name: bytes) -> None:
    """A literal of almost all that a command may have, once for each of 200 messages."""
    stage = Stage({"messages": "200"})
    engine = stage.open()
    run(engine, [b"a EXAMINE INBOX\r\n"], stage)
    fields = b"{1000000+}\r\n" + name * 1_000_000
    commands = [b"FETCH 1:* BODY.PEEK[HEADER.FIELDS (" + fields + b")]", b"SEARCH HEADER " + fields]
    for command in commands:
        tracemalloc.start()
        try:
            sent = run(engine, [b"b " + command + b"\r\n"], stage)
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()
        assert b"b BAD [LIMIT] " in sent


@pytest.mark.parametrize("section", [b"", b"HEADER", b"1"])
def test_a_hundred_times_the_same_of_many_messages(section: bytes) -> None:
    """Contents of 30 kB, each a hundred times, are not put together for all messages at once."""
    stage = Stage({})
    content = b"Subject: " + b"x" * 15_000 + b"\r\n\r\n" + b"y" * 15_000
    for _ in range(64):
        stage.boxes["INBOX"].add(content=content)
    engine = stage.open()
    run(engine, [b"a EXAMINE INBOX\r\n"], stage)
    items = b" ".join([b"BODY.PEEK[%b]<%d.90000>" % (section, at) for at in range(100)])
    engine.receive(b"b FETCH 1:* (" + items + b")\r\n")
    said, largest = 0, 0
    while (event := engine.next_event()) is not None:
        octets = engine.send()
        largest = max(largest, len(octets))
        said += octets.count(b"FETCH (")
        if event is not FLUSH:
            engine.answer(stage.answer(1, event, None))
    assert said == 64
    assert engine.send() == b"b OK fetched\r\n"
    assert largest < 7_000_000


def test_large_blocks_are_not_gathered_to_be_kept() -> None:
    """Headers of 30 MB in all are sent as they come."""
    stage = Stage({})
    content = b"Subject: " + b"x" * 30_000 + b"\r\n\r\n"
    for _ in range(BLOCK_OF_MESSAGES):
        stage.boxes["INBOX"].add(content=content)
    engine = stage.open()
    run(engine, [b"a EXAMINE INBOX\r\n"], stage)
    selected = stage.sessions[1].selected
    assert selected is not None
    engine.receive(b"b FETCH 1:* BODY.PEEK[HEADER]\r\n")
    size = 0
    tracemalloc.start()
    try:
        while (event := engine.next_event()) is not None:
            size += len(engine.send())
            if event is not FLUSH:
                engine.answer(stage.answer(1, event, None))
        size += len(engine.send())
        assert tracemalloc.get_traced_memory()[1] < 1.5 * LARGEST
    finally:
        tracemalloc.stop()
    assert size > 30_000_000
    assert not selected.view.lasting
    run(engine, [b"c FETCH 1:* BODY.PEEK[HEADER.FIELDS (From)]\r\n"], stage)
    assert len(selected.view.lasting) == 1


def test_what_is_kept_of_many_questions_is_bounded() -> None:
    stage = Stage({"messages": "1"})
    engine = stage.open()
    commands = [
        b"b FETCH 1 BODY.PEEK[HEADER.FIELDS (X-%d)]\r\n" % at for at in range(LASTING + 100)
    ]
    wordy = b"c FETCH 1 BODY.PEEK[HEADER.FIELDS (%b)]\r\n" % (b"x" * 3000)
    sent = run(engine, [b"a EXAMINE INBOX\r\n", *commands, wordy, commands[-1]], stage)
    assert sent.count(b"* 1 FETCH ") == LASTING + 102
    selected = stage.sessions[1].selected
    assert selected is not None
    assert len(selected.view.lasting) == LASTING
    assert max(len(template) for template, _ in selected.view.lasting) < 100


def test_what_is_kept_has_held_messages_too() -> None:
    """An agent may say that a content is held where nobody wants it."""
    stage = Stage({**LETTERS, "held-from": "400"})
    command = b"FETCH 1:5 BODY.PEEK[HEADER.FIELDS (From)]"
    both = fetched(stage, [command, command])
    once = fetched(Stage(LETTERS), [command])
    assert once.count(b" FETCH ") == 5
    assert both == once + once


def test_a_message_that_is_gone_is_left_out() -> None:
    """RFC 2180 §4.1.2; by UID nothing is amiss (RFC 3501 §6.4.8)."""
    stage = Stage({"letters": "plain plain plain"})
    engine = stage.open()
    run(engine, [b"a SELECT INBOX\r\n"], stage)
    box: Box = stage.boxes["INBOX"]
    del box.messages[1]
    sent = run(engine, [b"b FETCH 1:3 RFC822.SIZE\r\n", b"c UID FETCH 1:3 RFC822.SIZE\r\n"], stage)
    sizes = b"* 1 FETCH (RFC822.SIZE 322)\r\n* 3 FETCH (RFC822.SIZE 322)\r\n"
    assert sent.startswith(sizes + b"b NO [EXPUNGEISSUED]")
    assert sent.endswith(b"* 3 FETCH (UID 3 RFC822.SIZE 322)\r\nc OK fetched\r\n")
