"""Composing a message from text and files."""

from __future__ import annotations

import pytest

from posthouse.message.completion import complete
from posthouse.message.compose import Attachment, Draft, compose
from posthouse.message.encodings import decode_transfer, decode_words
from posthouse.message.header import Header
from posthouse.message.structure import parse

DRAFT = Draft(
    sender="Joé <joe@example.org>",
    to=["a@example.org", "B <b@example.org>"],
    cc=["c@example.org"],
    subject="Grüße " * 20,
    text="Héllo\n.\nFrom me\n",
    time=0,
    message_id="<1@example.org>",
    attachments=[Attachment("ä.bin", bytes(range(256)) * 10)],
)


def test_message() -> None:
    content = compose(DRAFT)
    assert content == compose(DRAFT)
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")
    header = Header.of(content)
    assert complete(header.octets, time=1, message_id="<2@x>") == header.octets
    assert decode_words(header.get(b"subject") or b"").strip() == DRAFT.subject.strip()
    text, attachment = parse(content).children
    body = decode_transfer(content[text.body_start : text.end], text.encoding.decode())
    assert body.decode().replace("\r\n", "\n").strip() == DRAFT.text.strip()
    octets = content[attachment.body_start : attachment.end]
    assert decode_transfer(octets, attachment.encoding.decode()) == bytes(range(256)) * 10


def test_a_value_that_would_be_two_fields_is_refused() -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        compose(Draft("a@b", ["c@d"], "s\r\nBcc: x@y", "text", 0, "<1@b>"))
