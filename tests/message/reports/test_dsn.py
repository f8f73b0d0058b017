"""Delivery status notifications, read back by another program: the standard library's email."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage, Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.reports.dsn import Action, DeliveryReport, RecipientStatus, compose

NOON = 1_800_000_000
HEADER = (
    b"From: ann@a.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Message-ID: <1@a.example>\r\nMIME-Version: 1.0\r\n\r\n"
)
FAILED = RecipientStatus(
    "bob@b.example",
    Action.FAILED,
    "5.1.1",
    "The server does not take it.",
    "mx.b.example",
    "550 5.1.1 no such user",
    tried=NOON,
)
DELAYED = RecipientStatus(
    "eve@c.example",
    Action.DELAYED,
    "4.4.1",
    "The server cannot be reached.",
    tried=NOON,
    retry_until=NOON + 86400,
)


def report_of(*recipients: RecipientStatus, **more: object) -> DeliveryReport:
    given: dict[str, object] = {
        "hostname": "mx.a.example",
        "sender": "ann@a.example",
        "time": NOON,
        "message_id": "<Q1.failed@mx.a.example>",
        "name": "Q1",
        "received": NOON - 100,
        "recipients": recipients,
        "header": HEADER,
    }
    return DeliveryReport(**(given | more))  # type: ignore[arg-type]


def read(report: DeliveryReport) -> EmailMessage:
    octets = compose(report)
    assert octets.count(b"\n") == octets.count(b"\r\n")
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def groups(message: EmailMessage) -> list[Message]:
    part = list(message.iter_parts())[1]
    assert part.get_content_type() == "message/delivery-status"
    found = part.get_payload()
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, Message)]


def test_a_failure() -> None:
    message = read(report_of(FAILED, content=HEADER + b"Hello\r\n"))
    assert message.get_content_type() == "multipart/report"
    assert message["Content-Type"].params["report-type"] == "delivery-status"
    assert message["To"] == "ann@a.example"
    assert message["From"].addresses[0].addr_spec == "postmaster@mx.a.example"
    assert message["Subject"] == "Not delivered: Grüße"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == message["References"] == "<1@a.example>"
    text, _, letter = message.iter_parts()
    words = " ".join(text.get_content().split())
    assert "not delivered to: <bob@b.example>" in words
    assert 'The server mx.b.example said: "550 5.1.1 no such user"' in words
    assert "written correctly" in words
    of_message, of_bob = groups(message)
    assert of_message["Reporting-MTA"] == "dns; mx.a.example"
    assert of_message["Arrival-Date"] == "Fri, 15 Jan 2027 07:58:20 +0000"
    assert dict(of_bob.items()) == {
        "Final-Recipient": "rfc822; bob@b.example",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx.b.example",
        "Diagnostic-Code": "smtp; 550 5.1.1 no such user",
        "Last-Attempt-Date": "Fri, 15 Jan 2027 08:00:00 +0000",
    }
    assert letter.get_content_type() == "message/rfc822"
    assert letter.get_content()["Message-ID"] == "<1@a.example>"


def test_a_delay_says_until_when_and_that_nothing_is_to_be_done() -> None:
    message = read(report_of(DELAYED))
    assert message["Subject"].startswith("Delayed:")
    text, _, header = message.iter_parts()
    assert "do not send it again" in " ".join(text.get_content().split())
    (_, of_eve) = groups(message)
    assert of_eve["Action"] == "delayed"
    assert of_eve["Will-Retry-Until"] == "Sat, 16 Jan 2027 08:00:00 +0000"
    assert "Remote-MTA" not in of_eve
    assert header.get_content_type() == "text/rfc822-headers"
    assert header.get_payload(decode=True) == HEADER[:-2]


def test_several_recipients() -> None:
    original = RecipientStatus("x@b.example", Action.FAILED, "nonsense", original="list@b.example")
    _, first, second, third = groups(read(report_of(FAILED, DELAYED, original)))
    assert [each["Action"] for each in (first, second, third)] == ["failed", "delayed", "failed"]
    assert third["Original-Recipient"] == "rfc822; list@b.example"
    assert third["Status"] == "5.0.0"


@pytest.mark.parametrize("end", ["\r\n\r\n", "\r\n"])
def test_a_header_of_eight_bits_is_encoded(end: str) -> None:
    header = f"Subject: {'Grüße' * 20}{end}".encode()
    octets = compose(report_of(FAILED, header=header))
    assert octets.isascii()
    *_, part = read(report_of(FAILED, header=header)).iter_parts()
    assert part.get_payload(decode=True) == header[:-2]


def test_a_letter_of_eight_bits_is_returned_in_seven() -> None:
    """RFC 6522 §3: every next hop takes it."""
    letter = HEADER + "Grüße\r\n".encode()
    octets = compose(report_of(FAILED, content=letter))
    assert octets.isascii()
    *_, part = read(report_of(FAILED, content=letter)).iter_parts()
    assert part.get_content_type() == "message/rfc822"
    assert part.get_content().get_content() == "Grüße\r\n"


def test_of_a_letter_that_cannot_be_converted_the_header_is_returned() -> None:
    header = "Subject: Grüße\r\n\r\n".encode()
    report = report_of(FAILED, header=header, content=header + "Grüße\r\n".encode())
    assert compose(report).isascii()
    *_, part = read(report).iter_parts()
    assert part.get_content_type() == "text/rfc822-headers"
    assert part.get_payload(decode=True) == header[:-2]


def test_an_internationalised_address() -> None:
    (_, group) = groups(
        read(report_of(RecipientStatus("jürgen@b.example", Action.FAILED, "5.1.1")))
    )
    assert group["Final-Recipient"] == "utf-8; j\\x{FC}rgen@b.example"


def test_a_letter_that_holds_the_boundary() -> None:
    plain = compose(report_of(FAILED))
    boundary = plain.partition(b'boundary="')[2].partition(b'"')[0]
    message = read(report_of(FAILED, content=HEADER + b"--" + boundary + b"\r\n"))
    assert len(list(message.iter_parts())) == 3


@given(st.text(), st.text(), st.text(), st.text(), st.binary())
def test_what_others_wrote_adds_no_field_and_no_part(
    reply: str, remote: str, address: str, status: str, header: bytes
) -> None:
    hostile = RecipientStatus(address, Action.FAILED, status, reply, remote, reply)
    octets = compose(report_of(hostile, header=header))
    top, _, _ = octets.partition(b"\r\n\r\n")
    names = {line.partition(b":")[0] for line in top.split(b"\r\n") if not line.startswith(b" ")}
    assert names <= {
        b"Date",
        b"From",
        b"To",
        b"Subject",
        b"Message-ID",
        b"In-Reply-To",
        b"References",
        b"Auto-Submitted",
        b"MIME-Version",
        b"Content-Type",
    }
    status_part = octets.partition(b"message/delivery-status\r\n\r\n")[2].partition(b"\r\n--")[0]
    fields = [line for line in status_part.split(b"\r\n") if line and not line.startswith(b" ")]
    assert len(fields) <= 3 + 6
    assert status_part.isascii()
    assert b"\0" not in status_part


@pytest.mark.parametrize("reply", ["x" * 5000, "a " * 5000, "\u4e2d" * 1000, "\u202e" * 1000])
def test_long_words_are_cut(reply: str) -> None:
    """RFC 5322 §2.1.1"""
    hostile = RecipientStatus("b@b.example", Action.FAILED, "5.0.0", reply=reply)
    assert max(map(len, compose(report_of(hostile)).split(b"\r\n"))) <= 998
