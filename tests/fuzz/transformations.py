"""What is made of messages for their readers, as targets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from posthouse.message.binary import without_binary
from posthouse.message.downgrade import Unconvertible
from posthouse.message.header import Header
from posthouse.message.ordering import base_subject, message_ids, ordering_keys
from posthouse.message.preview import preview
from posthouse.message.structure import parse, walk
from posthouse.message.surrogate import is_conventional, surrogate
from posthouse.message.text import body_texts, header_text
from posthouse.message.transfer import Decoder
from tests.fuzz.hostile import MESSAGES
from tests.fuzz.parsers import HEADER_TOKENS, LINE_END, holds, letters, run
from tests.fuzz.target import Ran, Target

LONGEST_LINE = 4000  # octets
MOST = 50_000  # characters of text
ENCODINGS = (b"BASE64", b"QUOTED-PRINTABLE", b"7BIT")


def make_surrogate(octets: bytes) -> object:
    octets = LINE_END.sub(b"\r\n", octets)  # as every way in has it
    made = surrogate(octets)
    if octets.isascii():
        holds(made == octets or is_conventional(octets) is False, "what is conventional stays")
    holds(is_conventional(made), "a surrogate is conventional")
    return made


def make_ordering(octets: bytes) -> object:
    keys = ordering_keys(Header.of(octets).octets)
    subject, is_reply = base_subject(octets.decode("utf-8", "replace"))
    holds(base_subject(subject)[0] == subject, f"{subject!r} has another base subject")
    return keys, subject, is_reply, message_ids(octets, 100)


def make_text(octets: bytes) -> object:
    text = preview(octets, parse(octets))
    holds(len(text) <= 256, "a long preview")
    return text, header_text(Header.of(octets).octets), body_texts(octets, MOST)


def make_seven_bit(octets: bytes) -> object:
    made = without_binary(octets)
    parts = walk(parse(made))
    holds(all(part.encoding.upper() != b"BINARY" for part in parts), "a binary part is left")
    return made


def decode_pieces(pieces: Sequence[bytes]) -> Ran:
    """The transfer encodings, in whatever pieces they come."""
    made = []
    for encoding in ENCODINGS:
        decoder = Decoder(encoding)
        try:
            octets = b"".join(decoder.take(piece) for piece in pieces) + decoder.end()
        except ValueError as refusal:
            made.append((encoding, type(refusal).__name__))
        else:
            made.append((encoding, repr(octets)))
    # What has no meaning need not have the same in any pieces: a CR that stands alone in lines of
    # quoted-printable that nobody writes.
    longest = max(map(len, b"".join(pieces).split(b"\n")))
    if longest > LONGEST_LINE:
        made = [each for each in made if each[0] != b"QUOTED-PRINTABLE"]
    return Ran(repr(made))


def _messages() -> list[bytes]:
    return [*letters(), *MESSAGES]


def _encoded() -> list[bytes]:
    return [b"QUJD\r\nREVG\r\n", b"QQ==QQ==", b"a=3D=\r\nb =20\r\n", b"=\r\n" * 10, b"A" * 100]


TRANSFORMATIONS = (
    *(
        Target(name, _messages, HEADER_TOKENS, partial(run, make, (Unconvertible,)), memory=150)
        for name, make in (
            ("surrogate", make_surrogate),
            ("ordering", make_ordering),
            ("text", make_text),
            ("binary", make_seven_bit),
        )
    ),
    Target("transfer", _encoded, [b"=", b"==", b"=3D", b"=\r\n", b" \r\n"], decode_pieces),
)
