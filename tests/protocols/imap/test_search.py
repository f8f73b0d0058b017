"""SEARCH, against a look at each message by itself; attack 16."""

from __future__ import annotations

import time
from collections.abc import Callable
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.message.thread import thread_of
from posthouse.protocols.engine import FLUSH
from posthouse.protocols.imap.extensions import objectid
from posthouse.protocols.imap.mail_events import FetchRows, FindOrdering, FindText, Need
from posthouse.protocols.imap.search import mask, message
from posthouse.protocols.imap.search.scan import KEYS
from tests.protocols.imap.stage import Message, Stage
from tests.protocols.imap.test_invariants import run

Test = Callable[[int, Message], bool]

FLAGS = {"SEEN": b"\\Seen", "DELETED": b"\\Deleted", "KEYWORD work": b"Work"}


def leaf(key: str, test: Test) -> st.SearchStrategy[tuple[str, Test]]:
    return st.just((key, test))


def has_flag(flag: bytes) -> Test:
    return lambda _, message: flag in message.flags.split()


leaves = st.one_of(
    leaf("ALL", lambda *_: True),
    leaf("2:3", lambda number, _: number in (2, 3)),
    leaf("UID 4,1:2", lambda _, m: m.uid in (1, 2, 4)),
    leaf("SUBJECT one", lambda _, m: b"Subject: ONE" in m.content),
    leaf("LARGER 300", lambda _, m: len(m.content) > 300),
    leaf("SINCE 2-Jan-1970", lambda _, m: m.date >= 86400),
    leaf("BODY thing", lambda _, m: b"thing" in m.content),
    leaf("TEXT one", lambda _, m: b"ONE" in m.content),
    leaf("SENTON 7-Feb-1994", lambda _, m: b"1994" in m.content),
    *[leaf(key, has_flag(flag)) for key, flag in FLAGS.items()],
)
keys: st.SearchStrategy[tuple[str, Test]] = st.recursive(
    leaves,
    lambda some: st.one_of(
        some.map(lambda key: (f"NOT {key[0]}", lambda n, m: not key[1](n, m))),
        st.tuples(some, some).map(
            lambda two: (
                f"OR {two[0][0]} {two[1][0]}",
                lambda n, m: two[0][1](n, m) or two[1][1](n, m),
            )
        ),
        st.lists(some, min_size=1, max_size=3).map(
            lambda all_: (
                f"({' '.join(key for key, _ in all_)})",
                lambda n, m: all(test(n, m) for _, test in all_),
            )
        ),
    ),
    max_leaves=8,
)
contents = st.sampled_from(
    [
        b"Subject: ONE\r\n\r\nthing\r\n",
        b"Subject: two\r\n\r\n" + b"x" * 400,
        b"Subject: two\r\nDate: Mon, 7 Feb 1994 23:52:25 -0800\r\n\r\nONE thing",
    ]
)
messages = st.lists(
    st.tuples(
        st.sampled_from([b"", b"\\Seen", b"\\Seen Work", b"\\Deleted"]),
        st.sampled_from([0, 86399, 86400]),
        contents,
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=150)
@given(keys, messages, st.sampled_from(["1", "9999"]), st.integers(0, 6))
def test_what_is_found_is_what_matches(
    key: tuple[str, Test], given_: list[tuple[bytes, int, bytes]], held: str, indexed: int
) -> None:
    """Whether it is in the index, or not, or the one or the other."""
    stage = Stage({"held-from": held, "indexed": str(indexed)})
    box = stage.boxes["INBOX"]
    for flags, date, content in given_:
        box.add(flags, content)
        box.messages[-1].date = date
    text, test = key
    sent = run(stage.open(), [b"s SELECT INBOX\r\n", f"a SEARCH {text}\r\n".encode()], stage)
    wanted = [n for n, message in enumerate(box.messages, 1) if test(n, message)]
    assert b" ".join([b"* SEARCH", *[b"%d" % n for n in wanted]]) == sent.split(b"\r\n")[-3]


@given(st.sets(st.integers(0, 70)))
def test_masks(positions: set[int]) -> None:
    assert list(mask.positions(mask.of_positions(positions, 71))) == sorted(positions)
    assert mask.of_bools([at in positions for at in range(71)]) == mask.of_positions(positions, 71)
    assert mask.of_ranges([(at, at + 1) for at in positions], 71) == sum(
        1 << at for at in positions
    )


def test_no_more_is_asked_for_than_is_needed() -> None:
    """Flags first, then dates and sizes, then headers, then contents."""
    stage = Stage({"letters": "plain nested plain plain"})
    engine = stage.open()
    run(engine, [b"s SELECT INBOX\r\n", b"s STORE 4 FLAGS.SILENT (\\Seen)\r\n"], stage)
    engine.receive(b"a SEARCH UNSEEN SMALLER 400 NOT SUBJECT x BODY hello 2:4\r\n")
    asked = []
    while (event := engine.next_event()) is not None:
        if isinstance(event, FindText | FindOrdering):
            engine.answer(None)
            continue
        assert isinstance(event, FetchRows)
        asked.append((list(event.uids), event.needs))
        engine.answer(stage.answer(1, event, None))
    assert asked == [
        ([2, 3], Need.SIZE),
        ([3], Need.HEADER),
        ([3], Need.HEADER | Need.CONTENT),
    ]
    assert engine.send() == b"* SEARCH 3\r\na OK searched\r\n"


@pytest.mark.parametrize(
    "program",
    [
        b"NOT " * 51 + b"ALL",
        b"(" * 51 + b"ALL" + b")" * 51,
        b"OR SEEN " * 400 + b"ALL",
        b"SEEN " * 400 + b"ALL",
        b"OR (" * 60 + b"ALL",
    ],
)
def test_attack_16_searches_that_are_too_complex(program: bytes) -> None:
    """Attack 16."""
    stage = Stage({"messages": "2"})
    sent = run(stage.open(), [b"s SELECT INBOX\r\n", b"a SEARCH " + program + b"\r\n"], stage)
    assert b"a BAD [LIMIT] the search is too complex" in sent


def test_a_long_chain_of_or_is_no_nesting() -> None:
    """Clients look for many Message-IDs at once."""
    stage = Stage({"letters": "plain plain"})
    program = b"OR HEADER Message-Id <nothing@a.example> " * 100 + b"HEADER Message-Id B27397"
    sent = run(stage.open(), [b"s SELECT INBOX\r\n", b"a SEARCH " + program + b"\r\n"], stage)
    assert b"* SEARCH 1 2\r\n" in sent


def test_attack_16_a_search_bomb_takes_linear_time() -> None:
    """Attack 16: needles that nearly match, in texts made for them."""
    stage = Stage({})
    for _ in range(4):
        stage.boxes["INBOX"].add(
            content=b"Subject: " + b"a" * 50_000 + b"\r\n\r\n" + b"a" * 500_000
        )
    needle = b"a" * 2000 + b"b"
    program = b" ".join([b"TEXT " + needle, b"NOT SUBJECT " + needle] * 10)
    begun = time.process_time()
    sent = run(stage.open(), [b"s SELECT INBOX\r\n", b"a SEARCH " + program + b"\r\n"], stage)
    assert b"* SEARCH\r\n" in sent
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(("key", "decoded"), [("SUBJECT", "decode_words"), ("TEXT", "header_text")])
def test_attack_16_a_header_is_decoded_once_for_all_keys(key: str, decoded: str) -> None:
    """Attack 16: many of them, of a header that takes long to be decoded."""
    stage = Stage({})
    words = b"\r\n ".join([b"=?utf-8?q?word_%d?=" % at for at in range(1000)])
    stage.boxes["INBOX"].add(content=b"Subject: " + words + b"\r\n\r\ntext\r\n")
    engine = stage.open()
    run(engine, [b"s SELECT INBOX\r\n"], stage)
    program = " ".join([f"NOT {key} nothing{at}" for at in range(140)])
    with patch.object(message, decoded, wraps=getattr(message, decoded)) as decoding:
        sent = run(engine, [f'a SEARCH {program} {key} "word 999"\r\n'.encode()], stage)
    assert b"* SEARCH 1\r\n" in sent
    assert decoding.call_count == 1


@pytest.mark.parametrize("key", [b"KEYWORD x%d", b"MODSEQ %d", b"UID %d"])
def test_attack_16_many_keys_leave_others_their_turn(key: bytes) -> None:
    """Attack 16: each goes through all of the mailbox."""
    stage = Stage({"messages": "1"})
    engine = stage.open()
    run(engine, [b"s SELECT INBOX\r\n"], stage)
    engine.receive(b"a SEARCH " + b" ".join([b"NOT " + key % at for at in range(8, 148)]) + b"\r\n")
    turns = 0
    while engine.next_event() is FLUSH:
        turns += 1
    assert engine.send().endswith(b"a OK searched\r\n")
    assert turns == 140 // KEYS


def test_attack_16_large_texts_leave_others_their_turn() -> None:
    """Attack 16: between two keys that look at one."""
    stage = Stage({"held-from": "1000"})
    stage.boxes["INBOX"].add(content=b"Subject: x\r\n\r\n" + b"word " * 100_000)
    engine = stage.open()
    run(engine, [b"s SELECT INBOX\r\n"], stage)
    program = b" ".join([b"NOT BODY nothing%d" % at for at in range(100)])
    engine.receive(b"a SEARCH " + program + b"\r\n")
    turns = 0
    while (event := engine.next_event()) is not None:
        if event is FLUSH:
            turns += 1
        else:
            engine.answer(stage.answer(1, event, None))
    assert engine.send() == b"* SEARCH 1\r\na OK searched\r\n"
    assert turns >= 100


def test_attack_16_a_thread_is_found_once_for_all_keys() -> None:
    """Attack 16: of References that take long to be read."""
    stage = Stage({})
    names = b"\r\n ".join([b"<%d@a.example>" % at for at in range(1000)])
    for at in range(2):
        header = b"References: <first%d@a.example>\r\n " % at + names
        stage.boxes["INBOX"].add(content=header + b"\r\n\r\ntext\r\n")
    program = b" ".join([b"NOT THREADID T%d" % at for at in range(140)])
    with patch.object(objectid, "thread_of", wraps=thread_of) as finding:
        sent = run(stage.open(), [b"s SELECT INBOX\r\n", b"a SEARCH " + program + b"\r\n"], stage)
    assert b"* SEARCH 1 2\r\n" in sent
    assert finding.call_count == 2


@pytest.mark.parametrize("indexed", ["0", "9"])
@pytest.mark.parametrize(
    ("program", "found"),
    [
        (b'SUBJECT "one\ttwo"', b"1 2"),
        (b'TEXT "one\ttwo"', b"1 2"),
        (b'SUBJECT "two three"', b"1"),
        (b'TEXT "x: a"', b"1"),
        (b'HEADER X ""', b"1"),
        (b'HEADER "X:" ""', b""),
        (b'HEADER {6+}\r\nX: a\r\n ""', b""),
        (b'BODY ""', b"1 2 3"),
        (b'NOT TEXT ""', b""),
    ],
)
def test_white_space_and_nothing(program: bytes, found: bytes, indexed: str) -> None:
    """In fields that are folded, and in messages without a text; in the index or not."""
    stage = Stage({"indexed": indexed})
    for content in (
        b"Subject: one\r\n\ttwo three\r\nX:a\r\n\r\ntext\r\n",
        b"Subject: =?utf-8?q?one=09two?=\r\n\r\ntext\r\n",
        b"Subject: three\r\nContent-Type: image/png\r\n\r\nimage\r\n",
    ):
        stage.boxes["INBOX"].add(content=content)
    sent = run(stage.open(), [b"s EXAMINE INBOX\r\n", b"a SEARCH " + program + b"\r\n"], stage)
    assert sent.split(b"\r\n")[-3] == b" ".join(filter(None, (b"* SEARCH", found)))


def test_ghosts_that_are_gone_are_not_found() -> None:
    """RFC 2180 §4.3"""
    stage = Stage({"letters": "plain plain"})
    engine = stage.open()
    run(engine, [b"s SELECT INBOX\r\n"], stage)
    del stage.boxes["INBOX"].messages[0]
    assert b"* SEARCH 2\r\n" in run(engine, [b"a SEARCH NOT FROM nobody\r\n"], stage)
