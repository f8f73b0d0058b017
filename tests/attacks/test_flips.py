"""Bits that the disk has changed: what is read is what was written, or is refused."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import apsw
import pytest

from posthouse.accounts.accounts import add_account
from posthouse.accounts.domains import add_domain
from posthouse.message.summary import summarise
from posthouse.store.checking import Checker
from posthouse.store.contents import ContentDamaged, prepare, read_content
from posthouse.store.database import FILE
from posthouse.store.direct import DirectStore
from posthouse.store.messages.append import append_message
from posthouse.store.migrate import migrate
from posthouse.store.unit import Work, rows_of

LETTERS = 40
#: What reading a damaged database may raise; the agents make NO, -ERR and 451 of it.
REFUSED = (apsw.Error, ContentDamaged, UnicodeDecodeError)


def letter(number: int) -> bytes:
    body = random.Random(number).randbytes(600 if number % 4 else 15_000).hex("\n", 36)
    return f"Subject: no. {number}\n\n{body}\n".replace("\n", "\r\n").encode()


WRITTEN = {letter(number) for number in range(LETTERS)}


@pytest.fixture(scope="module")
def octets(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database of an account with letters, all in one file."""
    directory = tmp_path_factory.mktemp("flips")
    migrate(directory)
    with DirectStore(directory) as store:
        store.write(add_domain("a.example", 0))
        account = store.write(add_account("ann@a.example", "", 0))
        for number in range(LETTERS):
            content = letter(number)
            store.write(
                append_message(account, "INBOX", prepare(content), summarise(content), 7, "")
            )
    return (directory / FILE).read_bytes()


def flipped(octets: bytes, chance: random.Random) -> bytes:
    """One bit is another, or some of them close to each other, or a page is another's."""
    changed = bytearray(octets)
    kind = chance.choice(("bit", "burst", "page", "zeros"))
    at = chance.randrange(100, len(octets) - 600)
    if kind == "bit":
        changed[at] ^= 1 << chance.randrange(8)
    elif kind == "burst":
        changed[at : at + 16] = chance.randbytes(16)
    elif kind == "zeros":
        changed[at : at + 512] = bytes(512)
    else:
        page, other = (chance.randrange(1, len(octets) // 8192) * 8192 for _ in range(2))
        changed[page : page + 8192] = octets[other : other + 8192]
    return bytes(changed)


def read(store: DirectStore) -> Iterator[bytes | None]:
    """Each message's content; None where it is refused."""

    def contents() -> Work[list[tuple[object, ...]]]:
        return (yield from rows_of("SELECT content FROM message WHERE mailbox = 1 ORDER BY uid"))

    try:
        rows = store.read(contents)
    except REFUSED:
        return
    for (content,) in rows:
        try:
            stored = store.read(lambda content=content: read_content(content))  # type: ignore[misc]
        except REFUSED:
            yield None
        else:
            yield None if stored is None else stored.octets


def test_attack_63_bits_flipped_at_random(tmp_path: Path, octets: bytes) -> None:
    """Whatever has become of the file, no letter is told that nobody wrote, and `store check`
    finds what has become of the others."""
    chance, refused, served = random.Random(63), 0, 0
    for number in range(80):
        directory = tmp_path / str(number)
        directory.mkdir()
        (directory / FILE).write_bytes(flipped(octets, chance))
        found = []
        with suppress(*REFUSED), DirectStore(directory) as store:
            found = list(read(store))
        whole = [each for each in found if each is not None]
        assert set(whole) <= WRITTEN
        served += len(whole)
        if set(whole) == WRITTEN:
            continue
        refused += 1
        with suppress(apsw.Error), closing(Checker(directory)) as checker:
            assert list(checker.findings()), f"run {number}: {len(whole)} letters are left"
    assert refused > 10
    assert served > 20 * LETTERS
