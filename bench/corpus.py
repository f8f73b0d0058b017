"""A realistic mix of letters: half of them below 14 kB, the mean 63 kB for what is attached.

The sizes are the quantiles of a logarithmic normal distribution, in an order that is always the
same, and so are the letters.
"""

from __future__ import annotations

import base64
import functools
import math
import quopri
import random
from statistics import NormalDist

from bench.letters import NAMES, WORDS

LETTERS = 1_000  # different ones; those who send more send them again, under other Message-IDs
MEDIAN = 14_000
SPREAD = 1.745  # of the logarithm: makes the mean 63 kB
SMALL = 6_000  # octets up to which a letter is text alone
MODEST = 40_000  # octets up to which it is text and HTML; larger ones have attachments
LEAST = 900

_FILES = (("report.pdf", "application/pdf"), ("photo.jpg", "image/jpeg"), ("list.csv", "text/csv"))
_LETTERS_OF_OTHERS = "äöüéèñøł"


@functools.cache
def corpus() -> tuple[bytes, ...]:
    """All letters, without their Message-ID."""
    chance = random.Random(2026)
    places = NormalDist()
    sizes = [
        max(LEAST, round(MEDIAN * math.exp(SPREAD * places.inv_cdf((place + 0.5) / LETTERS))))
        for place in range(LETTERS)
    ]
    chance.shuffle(sizes)
    return tuple(_letter(number, size, chance) for number, size in enumerate(sizes))


def realistic(number: int) -> bytes:
    """Letter `number`, ending in CRLF."""
    return b"Message-ID: <mix.%d@sender.example>\r\n" % number + corpus()[number % LETTERS]


def _letter(number: int, size: int, chance: random.Random) -> bytes:
    head = _head(number, chance)
    room = size - len(head) - 60
    if size <= SMALL:
        lines = _text_part(room, chance)
    elif size <= MODEST:
        lines = _both(number, room, chance)
    else:
        lines = _with_files(number, room, chance)
    return head + b"\r\n".join(lines) + b"\r\n"


def _head(number: int, chance: random.Random) -> bytes:
    """What letters bear that have come over some hosts."""
    name = NAMES[number % 10]
    fields = [
        f"Received: from out{hop}.sender.example (out{hop}.sender.example [192.0.2.{hop}])\r\n"
        f"\tby mx{hop}.sender.example (Mailer 4) with ESMTPS id {chance.getrandbits(64):X}\r\n"
        f"\tfor <reader@bench.example>; Tue, 1 Sep 2026 10:{number % 60:02}:0{hop} +0200"
        for hop in range(1 + number % 4)
    ]
    signature = base64.b64encode(chance.randbytes(256)).decode()
    folded = "\r\n\t ".join(signature[at : at + 70] for at in range(0, len(signature), 70))
    words = " ".join(chance.choices(WORDS, k=5))
    fields += [
        f"DKIM-Signature: v=1; a=rsa-sha256; d=sender.example; s=one; h=from:to;\r\n\tb={folded}",
        f"From: =?utf-8?q?{name}_M=C3=BCller?= <{name.lower()}@sender.example>",
        "To: Reader <reader@bench.example>, Other <other@bench.example>",
        f"Subject: {words} =?utf-8?b?{base64.b64encode('für Sie'.encode()).decode()}?=",
        f"Date: Tue, 1 Sep 2026 10:{number % 60:02}:00 +0200",
        f"List-Unsubscribe: <https://lists.sender.example/leave/{number}>",
        "MIME-Version: 1.0",
    ]
    return ("\r\n".join(fields) + "\r\n").encode()


def _text_part(size: int, chance: random.Random) -> list[bytes]:
    head = [
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Transfer-Encoding: quoted-printable",
        b"",
    ]
    return [*head, *_quoted(_prose(chance), size)]


def _html_part(size: int, chance: random.Random) -> list[bytes]:
    head = [
        b"Content-Type: text/html; charset=utf-8",
        b"Content-Transfer-Encoding: quoted-printable",
        b"",
    ]
    prose = _prose(chance)
    page = '<table class="outer"><tr><td style="padding:0 12px">' + prose + "</td></tr></table>\n"
    return [*head, *_quoted(page, size)]


def _prose(chance: random.Random) -> str:
    """A paragraph or more, some of whose letters are not ASCII."""
    words = chance.choices(WORDS, k=120)
    for place in range(0, len(words), 11):
        words[place] += _LETTERS_OF_OTHERS[place % 8]
    lines = (" ".join(words[at : at + 10]) + ".\n" for at in range(0, len(words), 10))
    return "".join(lines)


def _quoted(text: str, size: int) -> list[bytes]:
    """Quoted-printable lines of this text, again and again, some `size` octets in all."""
    lines = quopri.encodestring(text.encode()).rstrip(b"\n").split(b"\n")
    taken: list[bytes] = []
    while size > 0:
        for line in lines:
            taken.append(line)
            size -= len(line) + 2
            if size <= 0:
                break
    return taken or [b""]


def _both(number: int, size: int, chance: random.Random, kind: str = "root") -> list[bytes]:
    """multipart/alternative: text and HTML."""
    boundary = f"=_{kind}.{number}.{chance.getrandbits(48):x}".encode()
    size -= 3 * len(boundary) + 300
    return [
        b'Content-Type: multipart/alternative; boundary="%b"' % boundary,
        b"",
        b"--" + boundary,
        *_text_part(size // 4, chance),
        b"--" + boundary,
        *_html_part(size - size // 4, chance),
        b"--" + boundary + b"--",
    ]


def _with_files(number: int, size: int, chance: random.Random) -> list[bytes]:
    """multipart/mixed: text and HTML, and one to three files in base64."""
    boundary = f"=_files.{number}.{chance.getrandbits(48):x}".encode()
    files = 1 + number % 3
    text = 4_000 + number % 8 * 1_000
    each = (size - text) // files
    lines = [b'Content-Type: multipart/mixed; boundary="%b"' % boundary, b"", b"--" + boundary]
    lines += _both(number, text, chance, "text")
    for place in range(files):
        lines += [b"--" + boundary, *_file(place, each - 250, chance)]
    return [*lines, b"--" + boundary + b"--"]


def _file(place: int, size: int, chance: random.Random) -> list[bytes]:
    name, kind = _FILES[place]
    octets = chance.randbytes(max(57, size * 57 // 78))
    return [
        f'Content-Type: {kind}; name="{name}"'.encode(),
        b"Content-Transfer-Encoding: base64",
        f'Content-Disposition: attachment; filename="{name}"'.encode(),
        b"",
        *_base64(octets),
    ]


def _base64(octets: bytes) -> list[bytes]:
    """Lines of 76 octets."""
    encoded = base64.b64encode(octets)
    return [encoded[at : at + 76] for at in range(0, len(encoded), 76)]
