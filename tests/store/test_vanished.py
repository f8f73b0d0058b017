"""What is remembered of expunged messages, for those who come back (RFC 7162 §3.2.6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.accounts.accounts import add_account
from posthouse.accounts.domains import add_domain
from posthouse.message.summary import summarise
from posthouse.protocols.imap.mail_events import Gone, Need
from posthouse.store.changes import expunged_since, modseq_of
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore
from posthouse.store.fetching import fetch_rows
from posthouse.store.mailboxes import find_mailbox
from posthouse.store.messages.append import append_message
from posthouse.store.messages.copy import move_messages
from posthouse.store.messages.expunge import expunge_messages, sweep_tombstones
from posthouse.store.migrate import migrate
from posthouse.store.ranges import Range, between, merged
from posthouse.store.renaming import rename_mailbox
from posthouse.store.sweeper import trim_changes
from posthouse.store.unit import rows_of

CONTENT = b"Subject: one\r\n\r\ntext\r\n"
ANN, INBOX = 1, 1


@pytest.fixture
def store(tmp_path: Path) -> DirectStore:
    migrate(tmp_path)
    direct = DirectStore(tmp_path)
    direct.write(add_domain("a.example", 1))
    direct.write(add_account("ann@a.example", "x", 1))
    for _ in range(9):
        filed = append_message(ANN, "INBOX", prepare(CONTENT), summarise(CONTENT), 1, "")
        direct.write(filed)
    return direct


def expunge(store: DirectStore, *ranges: Range) -> int:
    store.write(expunge_messages(ANN, INBOX, ranges, 1, deleted_only=False))
    return store.read(modseq_of(ANN))


def gone(store: DirectStore, since: int, until: int | None = None) -> Gone:
    newest = store.read(modseq_of(ANN))
    return store.read(expunged_since(ANN, INBOX, since, newest if until is None else until))


def test_what_was_expunged_since(store: DirectStore) -> None:
    with store:
        first = expunge(store, (2, 3))
        second = expunge(store, (1, 1), (7, 8))
        assert gone(store, 1) == Gone([(1, 3), (7, 8)])
        assert gone(store, first) == Gone([(1, 1), (7, 8)])
        assert gone(store, second) == Gone([])


def test_what_was_expunged_later_is_not_among_it(store: DirectStore) -> None:
    with store:
        first = expunge(store, (2, 3))
        second = expunge(store, (7, 7))
        third = expunge(store, (1, 1), (4, 5))
        assert gone(store, 1, first) == Gone([(2, 3)])
        assert gone(store, 1, second) == Gone([(2, 3), (7, 7)])
        assert gone(store, first, third - 1) == Gone([(7, 7)])


def test_where_that_is_forgotten_all_that_is_not_there(store: DirectStore) -> None:
    with store:
        first = expunge(store, (2, 3))
        second = expunge(store, (9, 9))
        store.write(trim_changes(ANN, INBOX, 1))
        assert gone(store, first - 1) == Gone([(2, 3), (9, 9)], remembered=False)
        assert gone(store, second) == Gone([])


def test_what_was_moved_is_gone(store: DirectStore) -> None:
    with store:
        before = store.read(modseq_of(ANN))
        copies = store.write(move_messages(ANN, INBOX, [(4, 5)], "Archive", 2, 1))
        assert (copies.uids, copies.copies) == ([4, 5], [1, 2])
        assert gone(store, before) == Gone([(4, 5)])
        again = store.write(move_messages(ANN, INBOX, [(1, 9)], "INBOX", 0, 1))
        assert again.copies == list(range(10, 17))
        assert gone(store, before) == Gone([(1, 9)])


def test_what_left_inbox_by_its_renaming_is_gone(store: DirectStore) -> None:
    """And yet can be read from there, until the tombstones are swept; then the others are whole."""

    def contents(mailbox: int) -> list[object]:
        rows = store.read(fetch_rows(ANN, mailbox, range(1, 10), Need.CONTENT))
        return [row[0] for row in rows]

    def kept() -> list[tuple[int, int]]:
        return store.read(lambda: rows_of("SELECT refs, count(*) FROM content GROUP BY refs"))

    with store:
        before = store.read(modseq_of(ANN))
        store.write(rename_mailbox(ANN, "INBOX", "Old", 5))
        assert gone(store, before) == Gone([(1, 9)])
        old = store.read(find_mailbox(ANN, "Old"))
        assert old is not None
        assert contents(INBOX) == contents(old.id) == list(range(1, 10))
        assert kept() == [(2, 9)]
        store.write(sweep_tombstones(6, 100))
        assert contents(INBOX) == []
        assert contents(old.id) == list(range(1, 10))
        assert kept() == [(1, 9)]


def test_ranges() -> None:
    assert merged([(5, 6), (1, 2), (3, 3), (6, 9)]) == [(1, 3), (5, 9)]
    assert between([2, 3, 7], 10) == [(1, 1), (4, 6), (8, 9)]
    assert between([], 1) == []
