"""The beginning of a message's text, for lists of messages (RFC 8970 §3.3)."""

from __future__ import annotations

from html import unescape

from posthouse.message.encodings import decode_charset, decode_transfer
from posthouse.message.header import Octets
from posthouse.message.structure import Part, walk

LONGEST = 200  # characters
_PLAIN = (480, 8 * 1024)  # octets that are looked at: mostly a few will do
_HTML = (16 * 1024,)
_HIDDEN = ("head", "style", "script", "title")


def preview(content: Octets, root: Part) -> str:
    """At most 200 characters of one line; empty where there is no text."""
    part = text_part(root)
    if part is None:
        return ""
    line = ""
    for most in _HTML if part.subtype.lower() == b"html" else _PLAIN:
        line = _line(content, part, min(part.end, part.body_start + most))
        if len(line) >= LONGEST - 1 or part.body_start + most >= part.end:
            break
    return line


def _line(content: Octets, part: Part, end: int) -> str:
    """The beginning of a part's text, made of its octets up to `end`."""
    octets = bytes(content[part.body_start : end])
    if part.encoding.upper() not in (b"7BIT", b"8BIT"):
        octets = decode_transfer(octets, part.encoding.decode("ascii", "replace"))
    charset = next((v for name, v in part.parameters if name.lower() == b"charset"), b"")
    text = decode_charset(octets, charset.decode("ascii", "replace"))
    is_html = part.subtype.lower() == b"html"
    words = _without_markup(text) if is_html else _without_quotes(text)
    # The last character may be cut off in its middle.
    line = " ".join(words.split())[:LONGEST].rstrip(" \N{REPLACEMENT CHARACTER}")
    if not line.isprintable():
        line = "".join(filter(str.isprintable, line))
    return line


def text_part(root: Part) -> Part | None:
    """The first part that is plain text and no attachment, else the first of HTML."""
    found = None
    for part in walk(root):
        if part.type.lower() != b"text" or part.children:
            continue
        if part.disposition is not None and part.disposition[0].lower() == b"attachment":
            continue
        kind = part.subtype.lower()
        if kind == b"plain":
            return part
        if kind == b"html" and found is None:
            found = part
    return found


def _without_quotes(text: str) -> str:
    """What others have written is not what is new."""
    if "\n>" not in text and not text.startswith(">"):
        return text
    return "\n".join([line for line in text.split("\n") if not line.startswith(">")])


def _without_markup(text: str) -> str:
    """The text between the tags, but that of elements which are not shown."""
    pieces = text.split("<")
    shown = [pieces[0]]
    hidden = ""  # the end tag that is waited for
    for piece in pieces[1:]:
        tag, _, after = piece.partition(">")
        words = tag[:20].split(maxsplit=1)
        name = words[0].lower() if words else ""
        if hidden:
            if name != hidden:
                continue
            hidden = ""
        elif name in _HIDDEN:
            hidden = "/" + name
            continue
        shown.append(after)
    text = " ".join(shown)
    try:
        return unescape(text)
    except ValueError:  # a character's number has thousands of digits
        return text
