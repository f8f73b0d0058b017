"""Makes inputs out of other inputs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

LARGEST = 16 * 1024  # octets of an input
ODD = (
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b"\r\n.\r\n",
    b"\n.\n",
    b"\xff",
    b"\x80",
    b"\xc3\xa9",
    b" ",
    b"\t",
    b'"',
    b"\\",
    b"(",
    b")",
    b"<",
    b">",
    b"{",
    b"}",
    b"[",
    b"]",
    b"=",
    b"?",
    b"&",
    b"-",
    b"+",
    b"*",
    b"%",
    b":",
    b";",
    b",",
    b".",
    b"@",
    b"'",
    b"/",
    b"0",
    b"1",
    b"4294967295",
    b"4294967296",
    b"18446744073709551616",
    b"9" * 5000,
    b"x" * 600,
    b"x" * 13000,
)

Mutate = Callable[[random.Random, bytes, Sequence[bytes], Sequence[bytes]], bytes]


class Mutator:
    """Gives inputs from a pool of them and a dictionary of tokens, by chance."""

    def __init__(
        self, chance: random.Random, pool: Sequence[bytes], tokens: Sequence[bytes]
    ) -> None:
        self.chance = chance
        self.pool = list(pool) or [b""]
        self.tokens = [*tokens, *ODD]

    def keep(self, octets: bytes) -> None:
        """An input that showed something new."""
        self.pool.append(octets)

    def make(self) -> bytes:
        octets = self.chance.choice(self.pool)
        for _ in range(self.chance.choice((1, 1, 2, 2, 3, 5, 8))):
            mutate = self.chance.choice(MUTATIONS)
            octets = mutate(self.chance, octets, self.pool, self.tokens)[:LARGEST]
        return octets


def pieces(chance: random.Random, octets: bytes) -> list[bytes]:
    """The same octets, cut somehow."""
    if chance.random() < 0.25 and len(octets) < 2000:
        return [octets[i : i + 1] for i in range(len(octets))]
    cuts = sorted(chance.randrange(len(octets) + 1) for _ in range(chance.randrange(1, 9)))
    return [octets[a:b] for a, b in zip([0, *cuts], [*cuts, len(octets)], strict=True)]


def _span(chance: random.Random, octets: bytes) -> tuple[int, int]:
    """From, to: mostly short."""
    start = chance.randrange(len(octets) + 1)
    most = chance.choice((1, 4, 16, 64, len(octets) + 1))
    return start, min(len(octets), start + chance.randrange(most + 1))


def insert(
    chance: random.Random, octets: bytes, _pool: Sequence[bytes], tokens: Sequence[bytes]
) -> bytes:
    at = chance.randrange(len(octets) + 1)
    return octets[:at] + chance.choice(tokens) + octets[at:]


def overwrite(
    chance: random.Random, octets: bytes, _pool: Sequence[bytes], tokens: Sequence[bytes]
) -> bytes:
    start, stop = _span(chance, octets)
    return octets[:start] + chance.choice(tokens) + octets[stop:]


def octet(
    chance: random.Random, octets: bytes, _pool: Sequence[bytes], _tokens: Sequence[bytes]
) -> bytes:
    at = chance.randrange(len(octets) + 1)
    return octets[:at] + bytes((chance.randrange(256),)) + octets[at + 1 :]


def delete(
    chance: random.Random, octets: bytes, _pool: Sequence[bytes], _tokens: Sequence[bytes]
) -> bytes:
    start, stop = _span(chance, octets)
    return octets[:start] + octets[stop:]


def repeat(
    chance: random.Random, octets: bytes, _pool: Sequence[bytes], _tokens: Sequence[bytes]
) -> bytes:
    start, stop = _span(chance, octets)
    times = chance.choice((2, 3, 10, 100, 1000))
    return octets[:start] + octets[start:stop] * times + octets[stop:]


def splice(
    chance: random.Random, octets: bytes, pool: Sequence[bytes], _tokens: Sequence[bytes]
) -> bytes:
    other = chance.choice(pool)
    start, stop = _span(chance, other)
    at, to = _span(chance, octets)
    return octets[:at] + other[start:stop] + octets[to:]


def cross(
    chance: random.Random, octets: bytes, pool: Sequence[bytes], _tokens: Sequence[bytes]
) -> bytes:
    """The lines of one, then the lines of another."""
    lines, others = octets.split(b"\r\n"), chance.choice(pool).split(b"\r\n")
    at, to = chance.randrange(len(lines) + 1), chance.randrange(len(others) + 1)
    return b"\r\n".join([*lines[:at], *others[to:]])


def move_line(
    chance: random.Random, octets: bytes, _pool: Sequence[bytes], _tokens: Sequence[bytes]
) -> bytes:
    lines = octets.split(b"\r\n")
    line = lines.pop(chance.randrange(len(lines)))
    if chance.random() < 0.5:
        lines.insert(chance.randrange(len(lines) + 1), line)
    lines.insert(chance.randrange(len(lines) + 1), line)
    return b"\r\n".join(lines)


MUTATIONS: Sequence[Mutate] = (
    insert, insert, overwrite, overwrite, octet, delete, repeat, splice, splice, cross, cross,
    move_line,
)  # fmt: skip
