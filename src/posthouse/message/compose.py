"""Composing a message from text and files (RFC 5322, RFC 2046), for the command line.

The standard library's `email` does it. It is slow to import, so it waits until it is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.message.dates import format_date

OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to send along."""

    name: str
    content: bytes
    media_type: str = OCTETS  # type/subtype


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person says to send; addresses are as they are to stand in the header."""

    sender: str
    to: Sequence[str]
    subject: str
    text: str
    time: float  # seconds since 1970
    message_id: str
    cc: Sequence[str] = ()
    attachments: Sequence[Attachment] = ()
    zone: int = 0  # minutes east of UTC


def media_type(attachment: Attachment) -> str:
    """Its own where the file can go in base64 under that name, as the octets that it is."""
    kind = attachment.media_type.partition("/")[0]
    if kind in ("message", "multipart"):  # RFC 2045 §6.4
        return OCTETS
    if kind == "text":
        try:
            attachment.content.decode()
        except ValueError:
            return OCTETS  # its charset is not known
    return attachment.media_type


def compose(draft: Draft) -> bytes:
    """The content of the message, in lines that end with CRLF.

    ValueError where a value would not be one header field or an address is none.
    """
    from email.errors import MessageError

    try:
        return _compose(draft)
    except (MessageError, IndexError) as error:
        # Quirk: the standard library's address parser runs over the end of some values.
        raise ValueError(f"the header cannot be written: {error}") from error


def _compose(draft: Draft) -> bytes:
    from email import policy
    from email.message import EmailMessage

    message = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))  # for any next hop
    message["Date"] = format_date(draft.time, draft.zone)
    message["From"] = draft.sender
    if draft.to:
        message["To"] = ", ".join(draft.to)
    if draft.cc:
        message["Cc"] = ", ".join(draft.cc)
    message["Subject"] = draft.subject
    message["Message-ID"] = draft.message_id
    message.set_content(draft.text)
    for attachment in draft.attachments:
        kind, _, subtype = media_type(attachment).partition("/")
        message.add_attachment(
            attachment.content,
            maintype=kind,
            subtype=subtype,
            filename=attachment.name,
            params={"charset": "utf-8"} if kind == "text" else None,
        )
    # Boundaries would be drawn by lot; the message's own identifier serves as well.
    seed = hashlib.sha256(draft.message_id.encode()).hexdigest()[:32]
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{seed}_{number}")
    return message.as_bytes()
