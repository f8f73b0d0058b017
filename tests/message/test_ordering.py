"""What messages are sorted and threaded by."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.ordering import base_subject, collated, message_ids, ordering_keys


@pytest.mark.parametrize(
    ("subject", "base", "is_reply"),
    [
        ("hello", "hello", False),
        ("Re: hello", "hello", True),
        ("RE : re: FW: Fwd: hello", "hello", True),
        ("[list] Re: hello", "hello", True),
        ("[list] hello", "hello", False),
        ("re[2]: [list] [other] fwd : hello  world (fwd) (FWD) ", "hello world", True),
        ("[Fwd: Re: hello]", "hello", True),
        ("[fwd: [fwd: hello]] (fwd)", "hello", True),
        ("[a] [b]", "[b]", False),
        ("[a]", "[a]", False),
        ("regarding: hello", "regarding: hello", False),
        ("Re:", "", True),
        (" \t ", "", False),
        ("[fwd:]", "", True),
        ("[", "[", False),
        ("]", "]", False),
    ],
)
def test_base_subject(subject: str, base: str, is_reply: bool) -> None:
    """RFC 5256 §2.1"""
    assert base_subject(subject) == (base, is_reply)


@given(st.lists(st.sampled_from(["re:", "[", "]", "[fwd:", "(fwd)", " ", "a", "[b]", "fw"])))
def test_what_is_left_has_nothing_to_remove(words: list[str]) -> None:
    base, _ = base_subject("".join(words))
    again, marked = base_subject(base)
    assert (again, marked) == (base, False)


def test_keys() -> None:
    header = (
        b"From: =?utf-8?q?J=C3=BCrgen?= <juergen@a.example>\r\n"
        b"To: ann@b.example, bob@b.example\r\n"
        b"Subject: Re: [list] one\r\n two\r\n"
        b"Date: 31 Dec 2000 16:01:33 -0800\r\n"
        b'Message-ID: <"01KF8JCEOCBS0045PS"@xxx.yyy.com>\r\n'
        b"References: <1@x> not an id <2@x>\r\n <3@x>\r\n"
        b"In-Reply-To: <4@x>\r\n\r\n"
    )
    keys = ordering_keys(header)
    assert keys.sent == 978_307_293
    assert (keys.subject, keys.is_reply) == ("ONE TWO", True)
    assert (keys.author, keys.recipient, keys.copied) == ("JUERGEN", "ANN", "")
    assert (keys.author_shown, keys.recipient_shown) == (collated("Jürgen"), "ANN@B.EXAMPLE")
    assert (keys.id, keys.references) == ("01KF8JCEOCBS0045PS@xxx.yyy.com", "1@x 2@x 3@x")


def test_in_reply_to_is_for_those_without_references() -> None:
    """RFC 5256 §3: the first Message ID of it."""
    header = b"References: none\r\nIn-Reply-To: x <1@x> <2@x>\r\n\r\n"
    assert ordering_keys(header).references == "1@x"


def test_collation() -> None:
    """RFC 5051: title case, decomposed."""
    assert collated("straße") == "STRAßE"
    assert collated("É") == collated("é") == "E\u0301"
    assert collated("_") > collated("z")


@pytest.mark.parametrize(
    "octets",
    [b'<"' * 50_000, b'<"\\"' * 50_000, b"<" * 200_000, b"<a@" * 60_000, b'<"a"@b>' * 30_000],
)
def test_message_ids_take_linear_time(octets: bytes) -> None:
    began = time.process_time()
    message_ids(octets, 0)
    assert time.process_time() - began < 1


@given(st.binary())
def test_any_header_has_keys(header: bytes) -> None:
    ordering_keys(header)
