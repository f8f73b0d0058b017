"""Contents of messages, whose sections are known without taking them apart."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

WORDS = ("apples", "bread", "chess", "dunes", "elm", "ferry", "granite", "harbour")
PEOPLE = ("anna", "boris", "clara", "dmitri")


@dataclass(frozen=True, slots=True)
class Letter:
    """The octets of a message."""

    number: int
    sender: str
    subject: str
    sent: datetime
    header: bytes  # with the empty line
    body: bytes
    parts: tuple[tuple[bytes, bytes], ...]  # of each: header with the empty line, body
    field_lines: tuple[tuple[str, bytes], ...]

    @property
    def octets(self) -> bytes:
        return self.header + self.body

    def section(self, name: str) -> bytes | None:
        """The octets of BODY[name]; None where there is no such part."""
        match name.partition(" "):
            case "", _, _:
                return self.octets
            case "HEADER", _, _:
                return self.header
            case "TEXT", _, _:
                return self.body
            case "HEADER.FIELDS", _, names:
                return self._fields(names, True)
            case "HEADER.FIELDS.NOT", _, names:
                return self._fields(names, False)
        number, _, mime = name.partition(".")
        index = int(number) - 1
        if not self.parts:
            return None if index or mime else self.body
        if index >= len(self.parts):
            return None
        return self.parts[index][0 if mime else 1]

    def _fields(self, names: str, wanted: bool) -> bytes:
        chosen = names.strip("()").lower().split()
        lines = [line for name, line in self.field_lines if (name.lower() in chosen) == wanted]
        return b"".join(lines) + b"\r\n"


SECTIONS = (
    "",
    "HEADER",
    "TEXT",
    "1",
    "2",
    "3",
    "2.MIME",
    "HEADER.FIELDS (SUBJECT DATE)",
    "HEADER.FIELDS (X-NONE)",
    "HEADER.FIELDS.NOT (SUBJECT FROM)",
)


def write(chance: random.Random, number: int) -> Letter:
    """The letter of this number: mostly small, sometimes of two parts, sometimes of 100 kB."""
    sender = chance.choice(PEOPLE)
    subject = f"no. {number} about {chance.choice(WORDS)} and {chance.choice(WORDS)}"
    sent = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(300_000))
    fields = [
        ("From", f"{sender} <{sender}@sender.example>"),
        ("To", "reader@localhost"),
        ("Subject", subject),
        ("Date", format_datetime(sent)),
        ("Message-ID", f"<{number}.{chance.randrange(10**9)}@sender.example>"),
        ("MIME-Version", "1.0"),
    ]
    text = "".join(
        " ".join(chance.choices(WORDS, k=8)) + "\r\n" for _ in range(chance.randrange(1, 9))
    ).encode()
    kind = chance.random()
    parts: tuple[tuple[bytes, bytes], ...] = ()
    if kind < 0.03:  # such that it does not get small when it is compressed
        body = base64.encodebytes(chance.randbytes(75_000)).replace(b"\n", b"\r\n")
        fields.append(("Content-Type", "text/plain; charset=us-ascii"))
    elif kind < 0.3:
        parts = (
            (b"Content-Type: text/plain\r\n\r\n", text),
            (b"Content-Type: text/html\r\nContent-ID: <x>\r\n\r\n", b"<p>" + text + b"</p>"),
        )
        body = b"preamble\r\n"
        body += b"".join(b"\r\n--edge\r\n" + mime + part for mime, part in parts)
        body += b"\r\n--edge--\r\n"
        fields.append(("Content-Type", 'multipart/alternative; boundary="edge"'))
    else:
        body = text
        fields.append(("Content-Type", "text/plain; charset=utf-8"))
    lines = tuple([(name, f"{name}: {value}\r\n".encode()) for name, value in fields])
    header = b"".join(line for _, line in lines) + b"\r\n"
    return Letter(number, sender, subject, sent, header, body, parts, lines)
