"""What the reader of arguments takes, and what the server says is read again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.imap import responses
from posthouse.protocols.imap.framing import Frame
from posthouse.protocols.imap.grammar import REMEMBERED, SHORT, Reader, remembered
from posthouse.protocols.imap.result import Bad


def reader(octets: bytes) -> Reader:
    """A reader of a command that holds one literal at most, at its end."""
    head, mark, tail = octets.partition(b"}\r\n")
    return Reader(Frame([head + b"}", tail, b""]) if mark else Frame([octets]))


@given(st.binary().filter(lambda octets: b"\0" not in octets))
def test_a_string_that_is_said_can_be_read(octets: bytes) -> None:
    for say in (responses.string, responses.astring, responses.literal):
        read = reader(say(octets))
        assert read.astring() == octets
        read.end()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_mailbox_name_that_is_said_can_be_read(name: str) -> None:
    read = reader(responses.mailbox("x" + name))
    assert read.mailbox() == "x" + name
    read.end()


@given(st.text())
def test_text_stays_on_its_line(said: str) -> None:
    line = responses.tagged(b"a", b"NO", said)
    assert line.count(b"\r") == line.count(b"\n") == 1
    assert line.isascii()


@pytest.mark.parametrize(
    ("octets", "flags"),
    [
        (b"()", ()),
        (b"(\\SEEN \\seen)", (b"\\Seen",)),
        (b"($Junk NonJunk \\answered)", (b"$Junk", b"NonJunk", b"\\Answered")),
    ],
)
def test_flags(octets: bytes, flags: tuple[bytes, ...]) -> None:
    assert reader(octets).flag_list() == flags


@pytest.mark.parametrize(
    "octets",
    [b"(\\Recent)", b"(\\*)", b"(a", b"(a  b)", b"(a)b)", b"(\\Own)", b"((a))", b"(" + b"x" * 99],
)
def test_what_are_no_flags(octets: bytes) -> None:
    def flags(read: Reader) -> None:
        read.flag_list()
        read.end()

    with pytest.raises(Bad):
        flags(reader(octets))


def test_too_many_flags() -> None:
    with pytest.raises(Bad):
        reader(b"(" + b" ".join(b"k%d" % each for each in range(101)) + b")").flag_list()


@pytest.mark.parametrize(
    ("octets", "moment"),
    [
        (b'"17-Jul-1996 02:44:25 -0700"', datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)),
        (b'" 1-jan-2000 00:00:00 +0000"', datetime(2000, 1, 1, tzinfo=UTC)),
        (b'"31-Dec-2016 23:59:60 +0000"', datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_dates_and_times(octets: bytes, moment: datetime) -> None:
    read = reader(octets)
    assert read.date_time() == moment
    read.end()


@pytest.mark.parametrize(
    "octets",
    [
        b'"1-Jan-2000 00:00:00 +0000"',
        b'"01-Jan-2000 24:00:00 +0000"',
        b'"30-Feb-2000 00:00:00 +0000"',
        b'"01-Foo-2000 00:00:00 +0000"',
        b'"01-Jan-0001 00:00:00 +1400"',
        b'"31-Dec-9999 23:00:00 -1400"',
        b'"01-Jan-2000 00:00:00 +9999"',
        b'"01-Jan-0000 00:00:00 +0000"',
        b'"01-Jan-2000 00:00:00"',
    ],
)
def test_what_are_no_dates(octets: bytes) -> None:
    with pytest.raises(Bad):
        reader(octets).date_time()


rules: list[Callable[[Reader], object]] = [
    Reader.tag,
    Reader.atom,
    Reader.astring,
    Reader.string,
    Reader.nstring,
    Reader.literal,
    Reader.list_mailbox,
    Reader.number,
    Reader.nz_number,
    Reader.number64,
    Reader.sequence_set,
    Reader.flag,
    Reader.flag_list,
    Reader.date,
    Reader.date_time,
    Reader.announcement,
]


@given(
    st.sampled_from(rules),
    st.lists(st.one_of(st.binary(), st.text(r'()"{}\ 19:*,+-')), min_size=1),
)
def test_whatever_comes_is_read_or_bad(
    rule: Callable[[Reader], object], pieces: list[bytes | str]
) -> None:
    octets = [each.encode() if isinstance(each, str) else each for each in pieces]
    frame = Frame(octets[: (len(octets) - 1) // 2 * 2 + 1])  # line, literal, line, ...
    read = Reader(frame)
    try:
        for _ in range(9):
            rule(read)
            read.end()
    except Bad:
        pass


def test_only_short_arguments_are_remembered_and_only_so_many() -> None:
    def name(read: Reader) -> list[bytes]:
        found = [read.astring()]
        read.end()
        return found

    recall = remembered(name)
    assert recall(reader(b"box")) is recall(reader(b"box"))
    long = b"x" * (SHORT + 1)
    assert recall(reader(long)) == [long]
    assert recall(reader(long)) is not recall(reader(long))
    first = recall(reader(b"box"))
    for number in range(REMEMBERED):
        recall(reader(b"%d" % number))
    assert recall(reader(b"box")) is not first
    for _ in range(2):
        with pytest.raises(Bad):
            recall(reader(b"box box"))


def test_a_literal_is_read_where_it_is_remembered() -> None:
    recall = remembered(Reader.astring)
    for text in (b"one", b"two"):
        assert recall(reader(b"{3}\r\n" + text)) == text
