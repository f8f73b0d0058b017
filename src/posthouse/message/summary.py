"""What is made of a message once, when it is filed: IMAP's view of it, ready to send.

The octets of `envelope`, `body` and `body_structure` are those that follow ENVELOPE, BODY and
BODYSTRUCTURE in a FETCH response (RFC 3501 §7.4.2, RFC 9051 §7.5.2). A string that cannot be
quoted is a literal in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from posthouse.message.addresses import Entry, parse_address_list
from posthouse.message.dates import parse_date
from posthouse.message.header import Octets, unfold
from posthouse.message.listed import listed
from posthouse.message.parameter import Parameters
from posthouse.message.preview import preview
from posthouse.message.structure import Part, parse, walk

FEW = 256  # octets of an address list that is remembered
WORD = 40  # octets of a word that is
SUMMARY_VERSION = 4  # one more whenever the octets come out otherwise

STRING_LIMIT = 16 * 1024  # octets of one string; the rest is not told
QUOTED_LIMIT = 1000  # octets; longer strings are literals
ENVELOPE_LIMIT = 256 * 1024  # octets; of what has more, the beginning of each field is told
BEGINNING = 8 * 1024  # octets of it
STRUCTURE_LIMIT = 256 * 1024  # octets; of what has more, types and sizes alone are told

_NIL = b"NIL"
_plain = re.compile(rb"[ !#-\[\]-~]*").fullmatch
_quotable = re.compile(rb"[ -~]*").fullmatch
_wanted = re.compile(
    rb"\n(date|subject|from|sender|reply-to|to|cc|bcc|in-reply-to|message-id)"
    rb"[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)",
    re.IGNORECASE,
).findall
_special = re.compile(rb'(["\\])')


@dataclass(frozen=True, slots=True)
class Summary:
    """The answers that readers ask for most, made once."""

    envelope: bytes
    body: bytes
    body_structure: bytes
    header_size: int  # with the empty line
    sent: int | None  # of the Date field: seconds since 1970
    sent_day: int | None  # days since 1970 as written, for SENTON and its like
    preview: bytes = b'""'  # RFC 8970
    listed: bytes | None = None  # the header fields of listed.py; None: too much of them
    version: int = SUMMARY_VERSION


def summarise(content: bytes | Octets) -> Summary:
    """All of it; never an exception, whatever the content."""
    root = parse(content)
    header = content[root.header_start : root.body_start]
    fields = _first_fields(header)
    body, body_structure = _structures(content, root)
    date = fields.get(b"date")
    sent = parse_date(unfold(date)) if date is not None else None
    return Summary(
        envelope=_envelope(fields),
        body=body,
        body_structure=body_structure,
        header_size=root.body_start,
        sent=sent.time if sent else None,
        sent_day=sent.day if sent else None,
        preview=_string(preview(content, root).encode("utf-8")),
        listed=listed(header),
    )


def envelope(header: bytes) -> bytes:
    """ENVELOPE of a header section."""
    return _envelope(_first_fields(header))


def _fields(content: Octets, part: Part) -> dict[bytes, bytes]:
    return _first_fields(content[part.header_start : part.body_start])


def _first_fields(header: bytes) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for name, value in _wanted(b"\n" + header):
        fields.setdefault(name.lower(), value.strip(b" \t\r\n"))
    return fields


def _envelope(fields: dict[bytes, bytes]) -> bytes:
    """ENVELOPE, which many readers are sent for many messages at once: not too much of it."""
    made = _whole_envelope(fields)
    if len(made) <= ENVELOPE_LIMIT:
        return made
    return _whole_envelope({name: value[:BEGINNING] for name, value in fields.items()})


def _whole_envelope(fields: dict[bytes, bytes]) -> bytes:
    """date, subject, from, sender, reply-to, to, cc, bcc, in-reply-to, message-id."""
    get = fields.get
    author = _addresses(get(b"from"))
    sender = _addresses(get(b"sender"))
    reply_to = _addresses(get(b"reply-to"))
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _text(get(b"date")),
        _text(get(b"subject")),
        author,
        author if sender == _NIL else sender,
        author if reply_to == _NIL else reply_to,
        _addresses(get(b"to")),
        _addresses(get(b"cc")),
        _addresses(get(b"bcc")),
        _text(get(b"in-reply-to")),
        _text(get(b"message-id")),
    )


def _addresses(value: bytes | None) -> bytes:
    if value is None:
        return _NIL
    return _few_addresses(value) if len(value) <= FEW else _list_of_addresses(value)


@lru_cache(4096)  # the same people write to the same people
def _few_addresses(value: bytes) -> bytes:
    return _list_of_addresses(value)


def _list_of_addresses(value: bytes) -> bytes:
    entries = parse_address_list(value)
    return b"(" + b"".join(map(_address, entries)) + b")" if entries else _NIL


def _address(entry: Entry) -> bytes:
    return b"(%b %b %b %b)" % (
        _string(entry.name),
        _string(entry.route),
        _string(entry.mailbox),
        _string(entry.host),
    )


def _text(value: bytes | None) -> bytes:
    return _NIL if value is None else _string(unfold(value))


def _string(value: bytes | None) -> bytes:
    """nstring (RFC 9051 §9)."""
    if value is None:
        return _NIL
    if len(value) <= QUOTED_LIMIT:
        if _plain(value) is not None:
            return b'"' + value + b'"'
        if _quotable(value) is not None:
            return b'"' + _special.sub(rb"\\\1", value) + b'"'
    value = value[:STRING_LIMIT].replace(b"\0", b"")
    return b"{%d}\r\n%b" % (len(value), value)


def _structures(content: Octets, root: Part) -> tuple[bytes, bytes]:
    """BODY and BODYSTRUCTURE of a tree, and not too much of it."""
    parts = walk(root)
    made = _of_parts(content, parts, parts, STRUCTURE_LIMIT)
    if made is None:
        made = _of_parts(b"", parts, list(map(_bare, parts)))
    assert made is not None
    return made


def _of_parts(
    content: Octets, parts: Sequence[Part], shown: Sequence[Part], most: float = inf
) -> tuple[bytes, bytes] | None:
    """The same of all parts, children before their parents; None where it is more than `most`."""
    made: dict[int, tuple[bytes, bytes]] = {}
    for part, its in zip(reversed(parts), reversed(shown), strict=True):
        children = [made.pop(id(child)) for child in part.children]
        make = _multipart if part.is_multipart else _leaf
        body, extensions = make(content, its, children)
        structure = b"(" + body[1] + b" " + extensions + b")"
        most -= len(structure)
        if children:
            most += sum([len(each) for _, each in children])
        if most < 0:
            return None
        made[id(part)] = b"(" + body[0] + b")", structure
    return made[id(parts[0])]


def _bare(part: Part) -> Part:
    """What the part is, and how large, without all that its header may say."""
    return Part(
        part.header_start,
        part.body_start,
        part.end,
        type=part.type[:WORD],
        subtype=part.subtype[:WORD],
        parameters=(),
        encoding=part.encoding[:WORD],
        lines=part.lines,
        is_multipart=part.is_multipart,
        is_message=part.is_message,
        children=part.children,
    )


_Made = tuple[tuple[bytes, bytes], bytes]


def _multipart(_content: Octets, part: Part, children: Sequence[tuple[bytes, bytes]]) -> _Made:
    """body-type-mpart and its extension data."""
    subtype = b" " + _word(part.subtype)
    return (
        b"".join(body for body, _ in children) + subtype,
        b"".join(structure for _, structure in children) + subtype,
    ), b" ".join((_parameters(part.parameters), *_extensions(part)))


def _leaf(content: Octets, part: Part, children: Sequence[tuple[bytes, bytes]]) -> _Made:
    """body-type-basic, -text and -msg, and their extension data."""
    basic = b"%b %b %b %b %b %b %d" % (
        _word(part.type),
        _word(part.subtype),
        _parameters(part.parameters),
        _string(part.id),
        _string(part.description),
        _word(part.encoding),
        part.size,
    )
    extensions = b" ".join((_string(part.md5), *_extensions(part)))
    if part.is_message:
        fields = _envelope(_fields(content, part.children[0]))
        body, structure = (
            b"%b %b %b %d" % (basic, fields, child, part.lines) for child in children[0]
        )
        return (body, structure), extensions
    if part.type.lower() == b"text":
        basic = b"%b %d" % (basic, part.lines)
    return (basic, basic), extensions


def _extensions(part: Part) -> tuple[bytes, bytes, bytes]:
    """Disposition, language, location."""
    disposition = language = _NIL
    if part.disposition is not None:
        kind, parameters = part.disposition
        disposition = b"(" + _word(kind) + b" " + _parameters(parameters) + b")"
    if len(part.language) == 1:
        language = _string(part.language[0])
    elif part.language:
        language = b"(" + b" ".join(map(_string, part.language)) + b")"
    return disposition, language, _string(part.location)


def _parameters(parameters: Parameters) -> bytes:
    if not parameters:
        return _NIL
    strings = [_word(name) + b" " + _word(value) for name, value in parameters]
    return b"(" + b" ".join(strings) + b")"


def _word(value: bytes) -> bytes:
    """A string that many letters have: what a part is, and how it is encoded."""
    return _known_word(value) if len(value) <= WORD else _string(value)


@lru_cache(4096)
def _known_word(value: bytes) -> bytes:
    return _string(value)
