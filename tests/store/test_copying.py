"""Messages copied, moved and expunged by runs of UIDs: each once, with its content counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.accounts.accounts import add_account
from posthouse.accounts.domains import add_domain
from posthouse.message.summary import summarise
from posthouse.store import flags
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore
from posthouse.store.mailboxes import find_mailbox
from posthouse.store.messages.append import append_message
from posthouse.store.messages.copy import copy_messages, move_messages
from posthouse.store.messages.expunge import expunge_messages
from posthouse.store.messages.store import store_flags
from posthouse.store.migrate import migrate
from posthouse.store.ranges import Range
from posthouse.store.unit import Row, Work, rows_of
from tests.faults.checks import WRONG_COUNTERS, WRONG_REFS

ANN, INBOX, NOW = 1, 1, 7


@pytest.fixture
def store(tmp_path: Path) -> DirectStore:
    """INBOX has the UIDs 1, 3, 4, 6, 7, 8, 9; those that are odd have been seen."""
    migrate(tmp_path)
    direct = DirectStore(tmp_path)
    direct.write(add_domain("a.example", 1))
    direct.write(add_account("ann@a.example", "x", 1))
    for number in range(1, 10):
        content = b"Subject: %d\r\n\r\n%b" % (number, b"x" * number)
        seen = "\\Seen" if number % 2 else ""
        filed = append_message(ANN, "INBOX", prepare(content), summarise(content), number, seen)
        direct.write(filed)
    direct.write(expunge_messages(ANN, INBOX, [(2, 2), (5, 5)], NOW, deleted_only=False))
    return direct


def messages(store: DirectStore, name: str) -> list[Row]:
    """UID, flags, date, size and saved of what lies in a mailbox; all counters are right."""
    found = store.read(find_mailbox(ANN, name))
    assert found is not None
    mailbox = found.id

    def unit() -> Work[list[Row]]:
        for wrong in (WRONG_COUNTERS, WRONG_REFS):
            assert not (yield from rows_of(wrong))
        return (
            yield from rows_of(
                "SELECT uid, flags, internal_date, size, saved FROM message"
                " WHERE account = ?1 AND mailbox = ?2 ORDER BY uid",
                ANN,
                mailbox,
            )
        )

    return store.read(unit)


@pytest.mark.parametrize(
    ("ranges", "uids"),
    [
        ([(1, 9)], [1, 3, 4, 6, 7, 8, 9]),
        ([(2, 3), (5, 6), (8, 2**32 - 1)], [3, 6, 8, 9]),
        ([(7, 9), (1, 3)], [7, 8, 9, 1, 3]),
        ([(2, 2), (5, 5)], []),
    ],
)
@pytest.mark.parametrize("target", ["INBOX", "Archive"])
def test_copies(store: DirectStore, ranges: list[Range], uids: list[int], target: str) -> None:
    with store:
        before = {row[0]: row for row in messages(store, "INBOX")}
        copies = store.write(copy_messages(ANN, INBOX, ranges, target, 0, NOW))
        assert copies.uids == uids
        there = {row[0]: row for row in messages(store, target)}
        for uid, copy in zip(uids, copies.copies, strict=True):
            assert there[copy][1:4] == before[uid][1:4]
            assert there[copy][4] == NOW
        assert [uid for uid in there if uid not in copies.copies] == (
            [1, 3, 4, 6, 7, 8, 9] if target == "INBOX" else []
        )


def test_a_content_is_counted_for_each_copy(store: DirectStore) -> None:
    with store:
        store.write(copy_messages(ANN, INBOX, [(3, 4)], "INBOX", 2, NOW))
        store.write(copy_messages(ANN, INBOX, [(1, 100)], "Archive", 9, NOW))
        sizes = [row[3] for row in messages(store, "Archive")]
        assert sizes[1:3] == sizes[-2:]
        messages(store, "INBOX")


def test_what_is_moved_is_there_alone(store: DirectStore) -> None:
    with store:
        moved = store.write(move_messages(ANN, INBOX, [(3, 8)], "Archive", 5, NOW))
        assert moved.uids == [3, 4, 6, 7, 8]
        assert [row[0] for row in messages(store, "INBOX")] == [1, 9]
        assert [row[1] for row in messages(store, "Archive")] == ["\\Seen", "", "", "\\Seen", ""]


@pytest.mark.parametrize("named", [None, [(1, 4), (8, 9)]])
def test_what_is_deleted_is_expunged_and_nothing_else(
    store: DirectStore, named: list[Range] | None
) -> None:
    with store:
        for uid in (1, 4, 6, 7):
            change = store_flags(ANN, INBOX, [(uid, uid)], flags.added, ("\\Deleted",))
            store.write(change)
        gone = store.write(expunge_messages(ANN, INBOX, named, NOW))
        assert gone == ([1, 4, 6, 7] if named is None else [1, 4])
        left = [uid for uid in (1, 3, 4, 6, 7, 8, 9) if uid not in gone]
        assert [row[0] for row in messages(store, "INBOX")] == left
