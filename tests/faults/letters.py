"""Contents that can be told apart, and made again from their number alone."""

from __future__ import annotations

import random
import re
from functools import lru_cache

from posthouse.store.contents import ROW

_number = re.compile(rb"Message-ID: <(\d+)@faults\.example>\r\n").match

#: Octets of the body: in a row, in a row of some pages, in a file; and how often of ten.
SIZES = (((100, 3000), 7), ((20_000, 30_000), 2), ((ROW, 2 * ROW), 1))


@lru_cache(4096)
def content_of(number: int) -> bytes:
    """The content of letter `number`."""
    chance = random.Random(number)
    (least, most), _ = chance.choices(SIZES, [weight for _, weight in SIZES])[0]
    body = chance.randbytes(chance.randint(least, most) // 2).hex("\n", 36)
    header = f"Message-ID: <{number}@faults.example>\nSubject: letter {number}\n\n"
    return f"{header}{body}\n".replace("\n", "\r\n").encode()


def number_of(content: bytes) -> int:
    """Which letter a content, or its header, is of."""
    match = _number(content)
    assert match is not None, content[:80]
    return int(match[1])
