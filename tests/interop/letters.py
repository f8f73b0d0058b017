"""A letter with everything that clients stumble over: words of the world, parts, attachments."""

from __future__ import annotations

import email
import zlib
from email import policy
from email.message import EmailMessage

SUBJECT = "Grüße aus Köln, привет и 你好"
NAME = "Ëlise Ünal"
TEXT = "Zwölf Boxkämpfer jagen Viktor.\r\n.\r\n.. Точки в начале строк.\r\n"
ATTACHED = bytes(range(256)) * 40
FILE = "Übersicht 表.bin"


def rich(sender: str, recipient: str, subject: str = SUBJECT) -> EmailMessage:
    """Text in two forms and an attachment."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = f'"{NAME}" <{sender}>'
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = "Tue, 3 Nov 2026 10:11:12 +0100"
    message["Message-ID"] = f"<{zlib.crc32(subject.encode())}@client.example>"
    message.set_content(TEXT)
    message.add_alternative("<p>Zwölf <b>Boxkämpfer</b></p>\r\n", subtype="html")
    message.add_attachment(ATTACHED, maintype="application", subtype="octet-stream", filename=FILE)
    return message


def check_rich(octets: bytes, subject: str = SUBJECT) -> EmailMessage:
    """What has arrived is what was sent, whoever has encoded it anew."""
    message = email.message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Subject"] == subject
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == TEXT.split()
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == FILE
    assert attached.get_content() == ATTACHED
    return message
