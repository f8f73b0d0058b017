"""Encodings and charsets of mail: RFC 2047 words, RFC 2045 §6 transfer encodings.

All of it is tolerant: what cannot be decoded comes out as well as it can, never as an exception.
A charset's name comes from a stranger, so that it is looked up in a closed table and never
handed to the codec machinery, which imports modules by it and remembers every name asked for.
"""

from __future__ import annotations

import base64
import binascii
import re
from encodings.aliases import aliases

_NOT_CHARSETS = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec"}
    # UTF-7 hides text from whoever does not decode it; mail has not used it for decades.
    | {"zlib_codec", "mbcs", "utf_7"}
)
_CHARSETS = {name: codec for name, codec in aliases.items() if codec not in _NOT_CHARSETS}
_CHARSETS |= {codec: codec for codec in _CHARSETS.values()}
_CHARSETS |= {
    "cp737": "cp737",
    "cp874": "cp874",
    "cp949": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso_8859_8_i": "iso8859_8",
    "koi8_u": "koi8_u",
    "ks_c_5601_1987": "cp949",
    "mac": "mac_roman",
    "windows_31j": "cp932",
    "windows_874": "cp874",
    "windows_949": "cp949",
    "x_gbk": "gb18030",
    "x_mac_roman": "mac_roman",
    "x_sjis": "cp932",
}
_ASCII = frozenset({"ascii", "us_ascii", ""})
_NAME_LIMIT = 40  # no charset has a longer name

_word = re.compile(rb"=\?([^?\s]{1,80})\?([bBqQ])\?([^?\r\n]*)\?=")
#: The octets that mean nothing in base64 (RFC 2045 §6.8).
NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)
_BLANKS = (b" ", b"\t")
_PADDED = (b" \r\n", b"\t\r\n", b" \n", b"\t\n")
_line_padding = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")
_WORD_LENGTH = 75  # octets of an encoded word (RFC 2047 §2)


def decode_charset(octets: bytes, charset: str) -> str:
    """Text from octets; what the charset does not have becomes U+FFFD."""
    codec = charset_codec(charset)
    if codec is None or codec == "ascii":
        try:
            return octets.decode()
        except UnicodeDecodeError:
            return octets.decode("cp1252", "replace")
    return octets.decode(codec, "replace")


def charset_codec(charset: str) -> str | None:
    """The codec of a charset by its name in mail; None if it is unknown."""
    if len(charset) > _NAME_LIMIT:
        return None
    name = charset.strip().lower().replace("-", "_").replace(" ", "_")
    if name in _ASCII:
        return "ascii"
    return _CHARSETS.get(name) or _CHARSETS.get(name.replace(":", "_").replace(".", "_"))


def decode_words(value: bytes) -> str:
    """A header value as text: encoded words decoded (RFC 2047), the rest as UTF-8.

    Octets of adjacent words in one charset are joined before they become text: many programs cut
    a character in two. No CR, LF or NUL comes out.
    """
    if b"=?" not in value:
        return _one_line(decode_charset(value, "ascii"))
    text: list[str] = []
    pending: list[bytes] = []
    pending_charset = ""
    position = 0
    for word in _word.finditer(value):
        charset = word[1].partition(b"*")[0].decode("ascii", "replace").lower()
        between = value[position : word.start()]
        adjacent = bool(pending) and not between.strip()  # RFC 2047 §6.2
        if not adjacent or charset != pending_charset:
            text.append(decode_charset(b"".join(pending), pending_charset))
            pending.clear()
        if not adjacent:
            text.append(decode_charset(between, "ascii"))
        pending.append(_word_octets(word[2], word[3]))
        pending_charset = charset
        position = word.end()
    text.append(decode_charset(b"".join(pending), pending_charset))
    text.append(decode_charset(value[position:], "ascii"))
    return _one_line("".join(text))


def encode_words(text: str) -> str:
    """Text as header value in ASCII: as it is, or in encoded words of UTF-8 (RFC 2047 §2)."""
    text = _one_line(text)
    if text.isascii() and "=?" not in text:
        return text
    words: list[str] = []
    octets = b""
    room = (_WORD_LENGTH - len("=?utf-8?b??=")) // 4 * 3
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(octets) + len(encoded) > room:
            words.append(base64.b64encode(octets).decode())
            octets = b""
        octets += encoded
    words.append(base64.b64encode(octets).decode())
    return " ".join(f"=?utf-8?b?{word}?=" for word in words)


def decode_transfer(octets: bytes, encoding: str) -> bytes:
    """A body without its Content-Transfer-Encoding (RFC 2045 §6); unknown ones as they are."""
    name = encoding.strip().lower()
    if name == "base64":
        return decode_base64(octets)
    if name == "quoted-printable":
        return decode_quoted_printable(octets)
    return octets


def decode_base64(octets: bytes) -> bytes:
    """RFC 2045 §6.8: what is not of the alphabet is ignored, as is what is cut off."""
    cleaned = octets.translate(None, NOT_BASE64)
    if b"=" not in cleaned.rstrip(b"="):
        return _unpadded(cleaned.rstrip(b"="))
    # Quirk: encoded pieces, each with its padding, put one after the other.
    return b"".join(_unpadded(piece) for piece in cleaned.split(b"=") if piece)


def decode_quoted_printable(octets: bytes) -> bytes:
    """RFC 2045 §6.7; white space at the end of a line was added on the way (rule 3)."""
    if octets.endswith(_BLANKS) or any(padded in octets for padded in _PADDED):
        octets = _line_padding.sub(b"", octets)
    return binascii.a2b_qp(octets)


def _word_octets(encoding: bytes, encoded: bytes) -> bytes:
    if encoding in b"bB":
        return decode_base64(encoded)
    return binascii.a2b_qp(encoded, header=True)


def _unpadded(piece: bytes) -> bytes:
    if len(piece) % 4 == 1:
        piece = piece[:-1]
    return binascii.a2b_base64(piece + b"=" * (-len(piece) % 4))


def _one_line(text: str) -> str:
    if "\n" in text or "\r" in text or "\0" in text:
        text = text.replace("\r\n", "")
        text = text.replace("\r", " ").replace("\n", " ").replace("\0", "")
    return text
