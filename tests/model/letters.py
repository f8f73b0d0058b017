"""Contents of messages, whose sections are known without taking them apart."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

WORDS = ("apples", "bread", "chess", "dunes", "elm", "ferry", "granite", "harbour")
PEOPLE = {"anna": "Zoe Adams", "boris": "", "clara": "Clara C.", "dmitri": "beta"}  # what is shown
#: What stands before and after a subject, and whether that makes it a reply or a forward.
AROUND = (
    ("", "", False),
    ("", "", False),
    ("[list] ", "", False),
    ("Re: ", "", True),
    ("RE [2]:", "", True),
    ("Fwd: [list] ", "", True),
    ("", " (fwd)", True),
    ("[Fwd: ", "]", True),
)
ZONES = (0, 0, -8, 5)  # hours


@dataclass(frozen=True, slots=True)
class Letter:
    """The octets of a message."""

    number: int
    sender: str
    subject: str
    base: str  # the subject without what replies and forwards add (RFC 5256 §2.1)
    is_reply: bool  # or a forward
    sent: datetime
    message_id: str
    references: tuple[str, ...]
    header: bytes  # with the empty line
    body: bytes
    parts: tuple[tuple[bytes, bytes], ...]  # of each: header with the empty line, body
    field_lines: tuple[tuple[str, bytes], ...]

    @property
    def shown(self) -> str:
        """Its author, as a reader is shown (RFC 5957 §3)."""
        return PEOPLE[self.sender] or f"{self.sender}@sender.example"

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


def message_id(number: int) -> str:
    return f"{number}@sender.example"


def _some_subject(chance: random.Random) -> tuple[str, str, bool]:
    """A subject, its base, and whether it is that of a reply."""
    if chance.random() < 0.1:
        return "Re:", "", True
    base = f"{chance.choice(WORDS)} and {chance.choice(WORDS[:3])}"
    before, after, is_reply = chance.choice(AROUND)
    written = base.title() if chance.random() < 0.2 else base
    return before + written + after, base, is_reply


def _some_references(chance: random.Random, number: int) -> tuple[list[tuple[str, str]], list[str]]:
    """Fields, and the Message IDs that count (RFC 5256 §3, THREAD): also of letters to come."""
    near = [message_id(max(1, number + chance.randint(-9, 2))) for _ in range(4)]
    kind = chance.random()
    if kind < 0.3:
        return [], []
    if kind < 0.5:
        return [("In-Reply-To", f"a letter <{near[0]}> <{near[1]}>")], near[:1]
    if kind < 0.6:
        return [("References", "none"), ("In-Reply-To", f"<{near[0]}>")], near[:1]
    chosen = near[: chance.randrange(1, 5)]
    field = ("References", " ".join(f"<{each}>" for each in chosen))
    return [field, ("In-Reply-To", f"<{near[-1]}>")], chosen


def write(chance: random.Random, number: int) -> Letter:
    """The letter of this number: mostly small, sometimes of two parts, sometimes of 100 kB."""
    sender = chance.choice(tuple(PEOPLE))
    subject, base, is_reply = _some_subject(chance)
    zone = timezone(timedelta(hours=chance.choice(ZONES)))
    sent = datetime(2026, 1, 1, tzinfo=zone) + timedelta(minutes=chance.randrange(300_000))
    own_id = message_id(number) if chance.random() < 0.95 else ""
    more, references = _some_references(chance, number)
    fields = [
        ("From", f"{PEOPLE[sender]} <{sender}@sender.example>".lstrip()),
        ("To", "reader@localhost"),
        ("Subject", subject),
        ("Date", format_datetime(sent)),
        ("X-Number", str(number)),
        *([("Message-ID", f"<{own_id}>")] if own_id else []),
        *more,
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
    return Letter(
        number, sender, subject, base.upper(), is_reply, sent, own_id, tuple(references),
        header, body, parts, lines,
    )  # fmt: skip
