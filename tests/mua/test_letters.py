"""What a person is shown of a message."""

from __future__ import annotations

import pytest

from posthouse.mua.letters import text_of

MIXED = (
    b"Content-Type: Multipart/Mixed; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/html\r\n\r\n<b>\r\n"
    b"--x\r\nContent-Type: %b; Charset=utf-8\r\n\r\n\xc3\xa9\r\n"
    b"--x\r\nContent-Type: application/pdf\r\n"
    b"Content-Disposition: attachment; FileName=a.pdf\r\n\r\nx\r\n--x--\r\n"
)


@pytest.mark.parametrize("kind", [b"text/plain", b"TEXT/PLAIN"])
def test_the_plain_text_is_shown_and_the_rest_is_named(kind: bytes) -> None:
    text, others = text_of(MIXED % kind)
    assert text.strip() == "é"
    assert others == ["text/html (3 octets)", "application/pdf a.pdf (1 octets)"]


def test_a_text_that_is_a_file_is_not_the_letters() -> None:
    """RFC 2183 §2.2"""
    plain = b"text/plain\r\nContent-Disposition: attachment; filename=notes.txt"
    text, others = text_of(MIXED % plain)
    assert text.strip() == "<b>"
    assert others[0].startswith("text/plain notes.txt")


def test_a_text_of_another_kind_is_shown_where_it_is_all_there_is() -> None:
    content = b"Content-Type: text/markdown\r\n\r\n*It works.*\r\n"
    assert text_of(content) == ("*It works.*\n", [])


def test_names_of_files_are_decoded() -> None:
    mixed = (MIXED % b"text/plain").replace(b"=a.pdf", b"*=utf-8''%C3%A9%20.pdf")
    _, others = text_of(mixed)
    assert others[1] == "application/pdf é .pdf (1 octets)"


def test_a_message_without_mime_is_its_text() -> None:
    assert text_of(b"Subject: s\r\n\r\nIt works.\r\n") == ("It works.\n", [])
