"""The text of a message, as those who search it see it: decoded, whatever the case of letters."""

from __future__ import annotations

from unicodedata import normalize

from posthouse.message.encodings import decode_charset, decode_transfer, decode_words
from posthouse.message.header import Header, unfold
from posthouse.message.structure import Part, parse, walk


def folded(text: str) -> str:
    """The form in which texts are compared: case folded, characters composed."""
    if text.isascii():
        return text.lower()
    return normalize("NFC", text.casefold())


def header_text(header: bytes) -> str:
    """All fields of a header, a line each, folded."""
    fields = Header(header).fields()
    lines = [f"{name.decode()}: {decode_words(unfold(value))}" for name, value in fields]
    return folded("\n".join(lines))


def text_ranges(root: Part) -> list[tuple[Part, int, int]]:
    """The parts that are text, and the headers of messages within: where their octets are."""
    found = []
    for part in walk(root):
        if part.is_message:
            found += [(part, child.header_start, child.body_start) for child in part.children]
        elif part.type.lower() == b"text" and not part.is_multipart:
            found.append((part, part.body_start, part.end))
    return found


def part_text(part: Part, octets: bytes) -> str:
    """The octets of one of these as text, folded."""
    if part.is_message:
        return header_text(octets)
    charset = next((v for name, v in part.parameters if name.lower() == b"charset"), b"")
    decoded = decode_transfer(octets, part.encoding.decode("ascii", "replace"))
    return folded(decode_charset(decoded, charset.decode("ascii", "replace")))


def body_texts(content: bytes, most: int | None) -> list[str] | None:
    """The texts of a message's body; None if they are of more than `most` octets in all."""
    ranges = text_ranges(parse(content))
    if most is not None and sum(stop - start for _, start, stop in ranges) > most:
        return None
    return [part_text(part, content[start:stop]) for part, start, stop in ranges]
