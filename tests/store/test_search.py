"""The search index: an answer is exact, whatever is indexed, lost or damaged."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.message.summary import summarise
from posthouse.message.text import body_texts, folded, header_text
from posthouse.mua.searching import find_text
from posthouse.runtime.log import open_log
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import header_size, prepare
from posthouse.store.direct import DirectStore
from posthouse.store.mailboxes import create_default_mailboxes, delete_mailbox, find_mailbox
from posthouse.store.messages.append import append_message
from posthouse.store.messages.expunge import expunge_messages
from posthouse.store.messages.store import store_flags
from posthouse.store.migrate import migrate
from posthouse.store.search import documents
from posthouse.store.search.index import FILE, Damaged, Index, Known, remove, trigrams_of
from posthouse.store.search.indexer import Indexer, catch_up, only_one, open_index, waiting
from posthouse.store.search.searching import NOTHING_KNOWN, Searching
from posthouse.store.unit import Row, Unit, Work, run

PLACE = (1, 0, 1)
LETTER = b"From: Ann <ann@a.example>\r\nSubject: About %b\r\n\r\nThe text of number %b.\r\n"


def one_account() -> Work[None]:
    yield from run("INSERT INTO account (id, address, password, created) VALUES (1, 'a', '', 0)")
    yield from create_default_mailboxes(1, 1)


@pytest.fixture
def store(tmp_path: Path) -> DirectStore:
    return made(tmp_path)


def made(directory: Path) -> DirectStore:
    migrate(directory)
    store = DirectStore(directory)
    store.write(one_account)
    return store


def add(store: DirectStore, content: bytes, mailbox: str = "INBOX") -> int:
    unit = append_message(1, mailbox, prepare(content), summarise(content), 0, "")
    return store.write(unit).uid


def index_all(store: DirectStore, thoroughly: bool = False) -> int:
    directory = store.directory
    with only_one(directory, wait=True):
        index = open_index(directory)
        try:
            return catch_up(index, store.read, BlobFiles(directory), thoroughly=thoroughly)
        finally:
            index.close()


def letters(store: DirectStore, count: int) -> None:
    for number in range(count):
        add(store, LETTER % (b"n%d" % number, b"%d" % number))


def entries(store: DirectStore) -> int:
    index = Index(store.directory)
    try:
        return index.count()[1]
    finally:
        index.close()


texts = st.text(st.sampled_from('abc ÄäßÉ\u0301İ\r\n"*:-\0漢😀'), max_size=30)
bodies = st.lists(texts, max_size=3)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(texts, bodies), max_size=6), st.data())
def test_what_the_index_finds_is_what_a_look_at_the_text_finds(
    given_: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    documents_ = [content_of(subject, parts) for subject, parts in given_]
    indexed = data.draw(st.integers(0, len(documents_)))
    with tempfile.TemporaryDirectory() as folder, made(Path(folder)) as store:
        for number, content in enumerate(documents_):
            if number == indexed:
                index_all(store)
            add(store, content)
        if indexed == len(documents_):
            index_all(store)
        everything = "\n".join(text for content in documents_ for text in plain_look(content))
        for _ in range(4):
            start = data.draw(st.integers(0, max(0, len(everything) - 1)))
            length = data.draw(st.integers(1, 8))
            needle = folded(everything[start : start + length]).replace("\0", "")
            if not needle:
                continue
            wanted = [
                uid
                for uid, content in enumerate(documents_, 1)
                if any(needle in text for text in plain_look(content))
            ]
            assert find_text(store, 1, 1, needle) == wanted


def content_of(subject: str, parts: list[str]) -> bytes:
    encoded = subject.encode().replace(b"\r", b" ").replace(b"\n", b" ").replace(b"\0", b"")
    lines = [b"Subject: " + encoded, b"Content-Type: multipart/mixed; boundary=b", b""]
    for part in parts:
        octets = part.encode().hex(" ").upper().replace(" ", "=")
        octets = "=" + octets if octets else ""
        lines += [
            b"--b",
            b"Content-Type: text/plain; charset=utf-8",
            b"Content-Transfer-Encoding: quoted-printable",
            b"",
            octets.encode(),
        ]
    return b"\r\n".join([*lines, b"--b--", b""])


def plain_look(content: bytes) -> list[str]:
    return [header_text(content[: header_size(content)]), *(body_texts(content, None) or ())]


@pytest.mark.parametrize(
    "needle", ["about n7", "NUMBER 7.", "7", "zzz", "", "x" * 5000, 'a"b', "ann@a.example"]
)
def test_needles(needle: str, store: DirectStore) -> None:
    letters(store, 20)
    before = find_text(store, 1, 1, needle)
    index_all(store)
    searching = Searching(store.directory)
    found = searching.look(PLACE, folded(needle), in_header=True, in_body=True)
    searching.close()
    assert list(found.found) == before
    assert found.unknown == [(21, 2**32 - 1)]


def test_header_and_body_are_told_apart(store: DirectStore) -> None:
    add(store, b"Subject: alpha\r\n\r\nbravo")
    index_all(store)
    searching = Searching(store.directory)
    for needle, in_header, in_body, found in (
        ("alpha", True, False, [1]),
        ("alpha", False, True, []),
        ("bravo", True, False, []),
        ("bravo", False, True, [1]),
        ("alphabravo", True, True, []),
        ("subject: alpha", True, False, [1]),
    ):
        answer = searching.look(PLACE, needle, in_header, in_body)
        assert list(answer.found) == found, needle
    searching.close()


def test_a_text_that_is_too_large_is_not_known(
    store: DirectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "HEADER", 10)
    add(store, b"Subject: much too large\r\n\r\nneedle")
    index_all(store)
    searching = Searching(store.directory)
    answer = searching.look(PLACE, "needle", in_header=True, in_body=True)
    searching.close()
    assert answer.unknown[0] == (1, 1)
    assert find_text(store, 1, 1, "needle") == [1]


def damage() -> Work[None]:
    yield from run("UPDATE content_octets SET packed = 1, body = x'00' WHERE content = 1")


def test_a_content_that_is_damaged_keeps_no_other_from_the_index(store: DirectStore) -> None:
    letters(store, 3)
    store.write(damage)
    assert index_all(store) == 3
    searching = Searching(store.directory)
    answer = searching.look(PLACE, "n2", in_header=True, in_body=True)
    searching.close()
    assert answer.unknown[0] == (1, 1)
    assert list(answer.found) == [3]


def test_what_is_expunged_is_forgotten(store: DirectStore) -> None:
    letters(store, 10)
    index_all(store)
    store.write(store_flags(1, 1, [(1, 4)], lambda _, given: " ".join(given), ("\\Deleted",)))
    store.write(expunge_messages(1, 1, None, 1))
    index_all(store, thoroughly=True)
    assert entries(store) == 6
    assert find_text(store, 1, 1, "number 3") == []
    assert find_text(store, 1, 1, "number 7") == [8]


def test_a_mailbox_or_account_that_is_gone_is_forgotten(store: DirectStore) -> None:
    add(store, LETTER % (b"x", b"y"), "Archive")
    letters(store, 2)
    index_all(store)
    assert entries(store) == 3
    store.write(delete_mailbox(1, "Archive", 1))
    index_all(store)
    assert entries(store) == 2

    def another() -> Work[None]:
        yield from run("UPDATE account SET created = 77 WHERE id = 1")

    store.write(another)  # the same id, given again
    searching = Searching(store.directory)
    assert searching.look((1, 77, 1), "number", True, True) == NOTHING_KNOWN
    searching.close()
    assert index_all(store) == 2
    assert entries(store) == 2


def test_nothing_is_indexed_twice(store: DirectStore) -> None:
    letters(store, 3)
    assert index_all(store) == 3
    assert index_all(store) == 0
    add(store, LETTER % (b"new", b"new"))
    assert find_text(store, 1, 1, "about new") == [4]
    index = Index(store.directory)
    assert waiting(index, store.read) == 1
    index.close()
    assert index_all(store) == 1


def test_what_comes_while_it_indexes_is_indexed_once(store: DirectStore) -> None:
    letters(store, 3)
    index = open_index(store.directory)
    looks = 0

    def look(unit: Unit[list[Row]]) -> list[Row]:
        nonlocal looks
        found = store.read(unit)
        looks += 1
        if looks == 1:  # the mailboxes have been looked at, the messages not yet
            letters(store, 2)
        return found

    blobs = BlobFiles(store.directory)
    assert catch_up(index, look, blobs) == 5
    assert catch_up(index, store.read, blobs) == 0
    assert index.count()[1] == 5
    index.close()


def test_two_writers_take_turns(tmp_path: Path) -> None:
    with only_one(tmp_path, wait=False) as first, only_one(tmp_path, wait=False) as second:
        assert first
        assert not second


# Loss and damage


def lose(directory: Path) -> None:
    remove(directory)


def empty(directory: Path) -> None:
    (directory / FILE).write_bytes(b"")


def not_a_database(directory: Path) -> None:
    (directory / FILE).write_bytes(b"x" * 8192)


def halve(directory: Path) -> None:
    octets = (directory / FILE).read_bytes()
    (directory / FILE).write_bytes(octets[: len(octets) // 2])


@pytest.mark.parametrize("harm", [lose, empty, not_a_database, halve])
def test_it_is_made_anew(harm: Callable[[Path], None], store: DirectStore) -> None:
    letters(store, 30)
    index_all(store)
    checkpointed(store.directory)
    harm(store.directory)
    assert find_text(store, 1, 1, "number 7.") == [8]
    index = open_index(store.directory, check=True)
    index.close()
    index_all(store)
    assert find_text(store, 1, 1, "number 7.") == [8]
    assert entries(store) == 30


def checkpointed(directory: Path) -> None:
    """All of it in the one file."""
    index = Index(directory)
    index._connection.pragma("wal_checkpoint(TRUNCATE)")
    index.close()


def test_bits_that_flip_in_texts_are_seen(store: DirectStore) -> None:
    """Each text has a checksum; the structure of the database is checked by SQLite."""
    letters(store, 50)
    index_all(store)
    checkpointed(store.directory)
    file = store.directory / FILE
    good = file.read_bytes()
    chance = random.Random(7)
    at = [good.index(b"The text of number 7.".lower())]
    at += [chance.randrange(len(good)) for _ in range(100)]
    for place in at:
        octets = bytearray(good)
        octets[place] ^= 1 << chance.randrange(8)
        file.write_bytes(octets)
        searching = Searching(store.directory)
        found = searching.look(PLACE, "number 7.", in_header=True, in_body=True)
        searching.close()
        assert set(found.found) <= {8}, place
        if searching.damaged:
            assert found == NOTHING_KNOWN
    file.write_bytes(good)
    assert find_text(store, 1, 1, "number 7.") == [8]


def test_damage_that_a_reader_meets_is_repaired(store: DirectStore) -> None:
    letters(store, 50)
    index_all(store)
    checkpointed(store.directory)
    file = store.directory / FILE
    octets = file.read_bytes()
    file.write_bytes(octets.replace(b"the text of number 7.", b"the text 0f number 7."))
    logged: list[bytes] = []

    async def main() -> None:
        searching = Searching(store.directory)
        found = await searching.holding(PLACE, "number 7.", in_header=True, in_body=True)
        assert found == NOTHING_KNOWN
        assert searching.damaged
        indexer = Indexer(store.directory, searching, 0.01, open_log(write=logged.append))
        task = asyncio.create_task(indexer.run())
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = await searching.holding(PLACE, "number 7.", in_header=True, in_body=True)
            if list(found.found) == [8]:
                break
            indexer.hear(1, 1)
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        searching.close()
        assert list(found.found) == [8]

    asyncio.run(main())


KILLED = """
import sys
from pathlib import Path
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.direct import DirectStore
from posthouse.store.search import indexer
from posthouse.store.search.indexer import catch_up, only_one, open_index
indexer.AT_ONCE = 2
directory = Path(sys.argv[1])
with DirectStore(directory) as store, only_one(directory, wait=True):
    print("begun", flush=True)
    catch_up(open_index(directory), store.read, BlobFiles(directory))
"""


def test_killed_while_it_indexes(store: DirectStore) -> None:
    letters(store, 120)
    chance = random.Random(3)
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(store.directory)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it may have come to its end
            process.wait(chance.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert find_text(store, 1, 1, "number 7.") == [8]
        index = open_index(store.directory, check=True)
        index.close()
    index_all(store)
    assert entries(store) == 120
    assert find_text(store, 1, 1, "number 117.") == [118]


def test_an_index_of_another_version_is_made_anew(store: DirectStore) -> None:
    letters(store, 1)
    index_all(store)
    index = Index(store.directory)
    index._connection.pragma("user_version", 99)
    index.close()
    with pytest.raises(Damaged):
        Index(store.directory)
    assert index_all(store) == 1


def test_few_trigrams_of_a_long_text_are_looked_for() -> None:
    assert trigrams_of("ab") == ""
    assert trigrams_of('a"b') == '"a""b"'
    assert len(trigrams_of("the quick brown fox jumps").split('" "')) == 5


def test_the_keys_of_two_mailboxes_do_not_meet() -> None:
    assert Known(1, 0).last < Known(2, 0).first


def test_the_mailbox_is_found(store: DirectStore) -> None:
    found = store.read(find_mailbox(1, "INBOX"))
    assert found is not None
    assert found.id == PLACE[2]
