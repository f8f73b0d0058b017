"""A conventional message in place of one with UTF-8 in its header (RFC 6858).

For programs that know neither SMTPUTF8 nor UTF-8 in IMAP or POP3: what cannot be said in ASCII is
encoded where that is simple, told in a display name, or left out. Bodies are left as they are.
"""

from __future__ import annotations

import re

from posthouse.message.addresses import Entry, parse_address_list
from posthouse.message.encodings import decode_charset, decode_words, encode_words
from posthouse.message.header import Octets, format_field, unfold
from posthouse.message.parameter import Parameters, parse_media_type, parse_value
from posthouse.message.structure import Part, parse, walk

#: §2.1; nobody will ever have it (RFC 2606 §2).
INVALID = "invalid@internationalized-address.invalid"
RETURN_PATH = b"return-path"
ADDRESSES = frozenset(
    b"bcc cc from reply-to resent-bcc resent-cc resent-from resent-sender resent-to return-path"
    b" sender to".split()
)

_lines = re.compile(rb"(?:([!-9;-~]+)[ \t]*:)?([^\n]*(?:\n[ \t][^\n]*)*)\n?").finditer
_atoms = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
).fullmatch
_global = re.compile(rb"(?im)^(content-type[ \t]*:[ \t]*(?:\r\n[ \t]+)?message/)global\b")
_domain = re.compile(r"[A-Za-z0-9.-]+|\[[!-Z^-~]*\]").fullmatch
_quotable = re.compile(r'(["\\])')


def is_conventional(content: Octets) -> bool:
    """No header in it has anything but ASCII, so that every client can have it as it is."""
    if isinstance(content, bytes) and content.isascii():
        return True
    return all(_ascii(part, content) for part in walk(parse(content)))


def surrogate(content: bytes) -> bytes:
    """The message in a form for everybody; the same message if it has that form."""
    pieces: list[bytes] = []
    position = 0
    parts = walk(parse(content))
    if all(_ascii(part, content) for part in parts):
        return content
    for part in parts:
        header = content[part.header_start : part.body_start]
        pieces.append(content[position : part.header_start])
        pieces.append(conventional_header(header, part.is_message))
        position = part.body_start
    pieces.append(content[position:])
    return b"".join(pieces)


def conventional_header(header: bytes, is_message: bool = False) -> bytes:
    """A header section, of a message or a part; with its empty line if it has one."""
    if not header.isascii():
        header = b"".join(_conventional(line) for line in _lines(header))
    # What it has is a conventional message, too, once its own header has been changed.
    return _global.sub(rb"\1rfc822", header, count=1) if is_message else header


def _ascii(part: Part, content: Octets) -> bool:
    return bytes(content[part.header_start : part.body_start]).isascii()


def _conventional(line: re.Match[bytes]) -> bytes:
    """A field, or a line that is none."""
    if line[0].isascii():
        return line[0]
    if line[1] is None or not line[1].isascii():
        return b""
    name, value = line[1].lower(), unfold(line[2])
    if name in ADDRESSES:
        said = _addresses(value, with_names=name != RETURN_PATH)
    elif name == b"subject":
        said = encode_words(decode_words(value))
    elif name == b"content-type":
        said = _media_type(value)
    elif name == b"content-disposition":
        token, parameters = parse_value(value)
        said = _with_parameters(token, parameters) if token.isascii() else ""
    else:
        said = ""  # §2.4
    return format_field(line[1].decode(), said) if said else b""


def _addresses(value: bytes, with_names: bool) -> str:
    """§2.1: an address-list without the addresses that cannot be said."""
    text = ""
    between = ""
    for entry in parse_address_list(value):
        if entry.mailbox is None:  # a group ends
            text += ";"
            between = ", "
        elif entry.host is None:
            text += f"{between}{_phrase(decode_words(entry.mailbox))}:"
            between = " "
        else:
            text += between + _address(entry, with_names)
            between = ", "
    return text


def _address(entry: Entry, with_name: bool) -> str:
    address, host = decode_charset(entry.mailbox or b"", ""), decode_charset(entry.host or b"", "")
    if host:
        address = f"{address}@{host}"
    name = decode_words(entry.name or b"") if with_name else ""
    # Nor what is no address, or what others may take for encoded words: another might come of it.
    if not (address.isascii() and _domain(host)) or "=?" in address:
        name = f"{name} {address}".strip() if with_name else ""
        address = INVALID
    if not name:
        return address if with_name else f"<{address}>"
    return f"{_phrase(name)} <{address}>"


def _phrase(text: str) -> str:
    """A display-name (RFC 5322 §3.4), in encoded words where it has to be (RFC 2047 §5)."""
    encoded = encode_words(text)
    if encoded != text or _atoms(text):
        return encoded
    return _quoted(text)


def _media_type(value: bytes) -> str:
    """§2.2, of Content-Type."""
    found = parse_media_type(value)
    if found is None or not (found[0] + found[1]).isascii():
        return ""
    return _with_parameters(found[0] + b"/" + found[1], found[2])


def _with_parameters(value: bytes, parameters: Parameters) -> str:
    """§2.2: with those that can be said."""
    said = [value.decode("ascii")]
    for name, text in parameters:
        if name.isascii() and text.isascii():
            said.append(f"{name.decode()}={_quoted(text.decode())}")
    return "; ".join(said)


def _quoted(text: str) -> str:
    return '"' + _quotable.sub(r"\\\1", text) + '"'
