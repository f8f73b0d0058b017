"""Threads have names that messages bear by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.thread import thread_of

ROOT = thread_of(b"Message-ID: <root@a.example>\r\n\r\n")


@pytest.mark.parametrize(
    "header",
    [
        b"message-id: < root@a.example >\r\nSubject: any\r\n\r\n",
        b"Message-ID: <1@b>\r\nIn-Reply-To: <root@a.example>\r\n\r\n",
        b"Message-ID: <2@b>\r\nReferences: <root@a.example>\r\n <1@b>\r\nIn-Reply-To: <1@b>\r\n\n",
        b'References: "Ann" <"root"@a.example> <1@b>\r\n\r\n',
        b"References: <> <nothing> <root@a.example>\r\n\r\n",
        b"References: none\r\nIn-Reply-To: your mail\r\nMessage-ID: <root@a.example>\r\n\r\n",
        b"Message-ID: <root@a.example>\r\nMessage-ID: <other@a.example>\r\n\r\n",
    ],
)
def test_a_conversation_has_one(header: bytes) -> None:
    assert thread_of(header) == ROOT


def test_others_have_others() -> None:
    headers = [
        b"Message-ID: <other@a.example>\r\nReferences: <other@a.example> <root@a.example>\r\n\r\n",
        b"Subject: one\r\n\r\n",
        b"Subject: two\r\n\r\n",
        b"Subject: two\r\nFrom: ann@a.example\r\n\r\n",
    ]
    names = {thread_of(header) for header in headers}
    assert len(names | {ROOT}) == len(headers) + 1


def test_what_was_told_is_told_for_ever() -> None:
    """These names lie in clients' caches."""
    assert ROOT == "5517d42175fdb72fd99fc2672473b7dd"
    assert thread_of(b"Subject: one\r\n\r\n") == "ea6ec5b4fe2c9cc707afa8756c89bb61"


@given(st.binary())
def test_any_header_has_one(header: bytes) -> None:
    name = thread_of(header)
    assert name.isalnum()
    assert len(name) == 32
    assert thread_of(header) == name
