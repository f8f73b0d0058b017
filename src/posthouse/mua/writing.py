"""A letter as a person gives it at the command line: addresses, a text, files."""

from __future__ import annotations

import mimetypes
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from ..message.address import parse_mailbox
from ..message.addresses import Entry, parse_address_list
from ..message.compose import OCTETS, Attachment, Draft, compose

_ENCODED = {"gzip": "application/gzip"}  # RFC 6713; what is packed is not of the type within


def write(
    author: str,
    to: Sequence[str],
    cc: Sequence[str],
    subject: str,
    text: str,
    files: Sequence[Path],
) -> bytes:
    """The message, from now. ValueError where it cannot be one."""
    now = time.time()
    draft = Draft(
        sender=in_header(author),
        to=[in_header(each) for each in to],
        cc=[in_header(each) for each in cc],
        subject=subject,
        text=text,
        time=now,
        zone=time.localtime(now).tm_gmtoff // 60,
        message_id=f"<{uuid.uuid4()}@{address_of(author).rpartition('@')[2]}>",
        attachments=[attached(file) for file in files],
    )
    return compose(draft)


def attached(file: Path) -> Attachment:
    """A file to send along, of the type that its name tells."""
    kind, encoding = mimetypes.guess_type(file.name)
    if encoding is not None:
        kind = _ENCODED.get(encoding)
    return Attachment(file.name, file.read_bytes(), kind or OCTETS)


def address_of(text: str) -> str:
    """The address alone of "Ann <ann@example.org>", its domain in A-labels. Raises ValueError."""
    return _address(_entry(text))


def in_header(text: str) -> str:
    """The same as a header field has it, with the name. Raises ValueError."""
    if text.isascii():
        return text
    entry = _entry(text)
    name = (entry.name or b"").decode().replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{_address(entry)}>' if name else _address(entry)


def _entry(text: str) -> Entry:
    found = [entry for entry in parse_address_list(text.encode()) if entry.host is not None]
    if len(found) != 1 or found[0].mailbox in (b"", b'""'):
        raise ValueError("expected one address, user@domain")
    return found[0]


def _address(entry: Entry) -> str:
    mailbox, host = entry.mailbox or b"", entry.host or b""
    return str(parse_mailbox(f"{mailbox.decode()}@{host.decode()}", smtputf8=True))
