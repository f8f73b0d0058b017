"""The messages of a mailbox for a person to read; units of work that read."""

from __future__ import annotations

from dataclasses import dataclass

from ..message.encodings import decode_charset, decode_transfer, decode_words
from ..message.header import Header, unfold
from ..message.parameter import Parameters, decode_parameters
from ..message.preview import text_part
from ..message.structure import Part, parse, walk
from ..store.contents import Stored, read_content
from ..store.unit import Row, Unit, Work, one_of, rows_of

SHOWN = (b"Date", b"From", b"To", b"Cc", b"Reply-To", b"Subject")


@dataclass(frozen=True, slots=True)
class Line:
    """A message in a list."""

    uid: int
    flags: str
    arrived: int
    size: int
    author: str
    subject: str


@dataclass(frozen=True, slots=True)
class Found:
    """A message: the header fields of this copy alone, and the content, perhaps in a file."""

    prefix: bytes
    stored: Stored


def list_letters(account: int, mailbox: int, most: int) -> Unit[list[Line]]:
    """The last messages of a mailbox, the oldest of them first."""

    def unit() -> Work[list[Line]]:
        rows = yield from rows_of(
            "SELECT uid, flags, internal_date, message.size, header FROM message"
            " JOIN content_octets ON content_octets.content = message.content"
            " WHERE account = ?1 AND mailbox = ?2 ORDER BY uid DESC LIMIT ?3",
            account,
            mailbox,
            most,
        )
        return [_line(row) for row in reversed(rows)]

    return unit


def line_of(account: int, mailbox: int, uid: int) -> Unit[list[Line]]:
    """The line of one message; none if it is not there."""

    def unit() -> Work[list[Line]]:
        rows = yield from rows_of(
            "SELECT uid, flags, internal_date, message.size, header FROM message"
            " JOIN content_octets ON content_octets.content = message.content"
            " WHERE account = ?1 AND mailbox = ?2 AND uid = ?3",
            account,
            mailbox,
            uid,
        )
        return [_line(row) for row in rows]

    return unit


def _line(row: Row) -> Line:
    uid, flags, arrived, size, octets = row
    header = Header(octets)
    return Line(uid, flags, arrived, size, field(header, b"From"), field(header, b"Subject"))


def find_letter(account: int, mailbox: int, uid: int) -> Unit[Found | None]:
    """One message, if it is there."""

    def unit() -> Work[Found | None]:
        row = yield from one_of(
            "SELECT content, prefix FROM message WHERE account = ?1 AND mailbox = ?2 AND uid = ?3",
            account,
            mailbox,
            uid,
        )
        if row is None:
            return None
        stored = yield from read_content(row[0])
        return None if stored is None else Found(row[1], stored)

    return unit


def field(header: Header, name: bytes) -> str:
    """A field's value in one line of text."""
    value = header.get(name)
    return "" if value is None else decode_words(unfold(value))


def shown_fields(content: bytes) -> list[tuple[str, str]]:
    """The fields that a person wants to see."""
    header = Header.of(content)
    found = [(name.decode(), field(header, name)) for name in SHOWN]
    return [(name, value) for name, value in found if value]


def text_of(content: bytes) -> tuple[str, list[str]]:
    """The text of a message, plain where it has some, and what else is in it."""
    root = parse(content)
    leaves = [p for p in walk(root) if not p.is_multipart and not p.children]
    texts = (part for part in leaves if part.type.upper() == b"TEXT")
    chosen = text_part(root) or next(texts, None)
    others = [_describe(part) for part in leaves if part is not chosen]
    return ("" if chosen is None else _decoded(content, chosen)), others


def _decoded(content: bytes, part: Part) -> str:
    octets = content[part.body_start : part.end]
    charset = _named(part.parameters).get(b"CHARSET", b"us-ascii").decode("ascii", "replace")
    encoding = part.encoding.decode("ascii", "replace")
    text = decode_charset(decode_transfer(octets, encoding), charset)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _describe(part: Part) -> str:
    kind = (part.type + b"/" + part.subtype).lower().decode("utf-8", "replace")
    disposition = decode_parameters(part.disposition[1] if part.disposition else ())
    name = disposition.get("filename") or decode_parameters(part.parameters).get("name", "")
    return f"{kind} {name}".strip() + f" ({part.size} octets)"


def _named(parameters: Parameters) -> dict[bytes, bytes]:
    """By name, in capitals."""
    return {name.upper(): value for name, value in parameters}
