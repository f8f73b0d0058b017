"""What is kept of accounts is what the database would say, whoever has written, and died of it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from posthouse.message.summary import summarise
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore
from posthouse.store.edition import SHARED, AccountEditions
from posthouse.store.known import LONGEST, MOST, Known
from posthouse.store.mailboxes import claim_recent, create_default_mailboxes, create_mailbox
from posthouse.store.messages.append import append_message
from posthouse.store.messages.rows import INBOX
from posthouse.store.migrate import migrate
from posthouse.store.store import Store
from posthouse.store.unit import Unit, Work, run
from posthouse.store.views import MailboxViews

CONTENT = b"Subject: any\r\n\r\n"

#: A process that is killed around the COMMIT of a letter for account 1.
KILLED = """
import os, signal, sys
from pathlib import Path
from posthouse.store import direct
from tests.store.test_known import append

class Deadly(direct.Editions):
    def begin(self, told):
        super().begin(told)
        if sys.argv[2] == "before":
            os.kill(os.getpid(), signal.SIGKILL)

    def end(self):
        os.kill(os.getpid(), signal.SIGKILL)

direct.Editions = Deadly
direct.DirectStore(Path(sys.argv[1])).write(append(1))
"""


def append(account: int) -> Unit[object]:
    return append_message(account, "INBOX", prepare(CONTENT), summarise(CONTENT), 0, "")


def account(number: int) -> Unit[None]:
    def unit() -> Work[None]:
        yield from run(
            "INSERT INTO account (id, address, password, created) VALUES (?1, ?2, '', 0)",
            number,
            f"a{number}",
        )
        yield from create_default_mailboxes(number, 1)

    return unit


def beside(directory: Path, act: Callable[[Known, Store, DirectStore], None]) -> None:
    """Act with a store, and with a writer of another process beside it."""
    migrate(directory)

    async def main() -> None:
        store = Store(directory)
        try:
            with DirectStore(directory) as other:
                other.write(account(1))
                other.write(account(2))
                act(Known(store), store, other)
        finally:
            store.close()

    asyncio.run(main())


def count(known: Known, number: int = 1) -> int:
    mailbox = known.mailbox(number, "INBOX")
    assert mailbox is not None
    return mailbox.messages


def test_what_is_kept_goes_with_the_change_of_another_process(tmp_path: Path) -> None:
    def act(known: Known, _: Store, other: DirectStore) -> None:
        for messages in range(3):
            assert count(known) == messages
            assert known.mailbox(1, "INBOX") is known.mailbox(1, "INBOX")
            bystander = known.mailbox(2, "INBOX")
            other.write(append(1))
            assert known.mailbox(2, "INBOX") is bystander

    beside(tmp_path, act)


def test_what_is_recent_no_more_is_not_kept(tmp_path: Path) -> None:
    def act(known: Known, _: Store, other: DirectStore) -> None:
        other.write(append(1))
        before = known.mailbox(1, "INBOX")
        assert before is not None
        assert before.recent == 1
        other.write(claim_recent(1, INBOX))
        after = known.mailbox(1, "INBOX")
        assert after is not None
        assert after.recent == 0

    beside(tmp_path, act)


@pytest.mark.parametrize(("moment", "arrived"), [("before", 0), ("after", 1)])
def test_killed_around_the_commit(tmp_path: Path, moment: str, arrived: int) -> None:
    def act(known: Known, store: Store, other: DirectStore) -> None:
        assert count(known) == 0
        views = MailboxViews(store)
        assert views.open_at_once(1, INBOX) is None  # it has to be loaded
        ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path, moment], check=False)
        assert ended.returncode == -signal.SIGKILL
        assert store.edition_of(1) & 1
        assert count(known) == arrived
        assert known.mailbox(1, "INBOX") is not known.mailbox(1, "INBOX")  # nothing is kept
        other.write(append(2))  # whoever writes next finds what the dead has left
        assert not store.edition_of(1) & 1
        assert known.mailbox(1, "INBOX") is known.mailbox(1, "INBOX")
        assert count(known) == arrived

    beside(tmp_path, act)


def test_a_view_is_not_looked_at_again_until_something_changes(tmp_path: Path) -> None:
    migrate(tmp_path)

    async def main() -> None:
        store = Store(tmp_path)
        try:
            with DirectStore(tmp_path) as other:
                other.write(account(1))
                views = MailboxViews(store)
                shared = await views.open(1, INBOX)
                for messages in range(3):
                    assert views.open_at_once(1, INBOX) is shared
                    assert shared is not None
                    assert len(shared.view) == messages
                    assert shared.edition == store.edition_of(1)
                    other.write(append(1))
                    assert shared.edition != store.edition_of(1)
        finally:
            store.close()

    asyncio.run(main())


def test_no_more_is_kept_than_may_be(tmp_path: Path) -> None:
    def act(_: Known, store: Store, other: DirectStore) -> None:
        known = Known(store, most=10)
        for number in range(20):
            other.write(create_mailbox(1, f"box{number}", 1))
        for number in range(20):
            assert known.mailbox(1, f"box{number}") is not None
            assert known.mailbox(2, "INBOX") is not None
            assert known.count <= 10
        assert known.mailbox(1, "none") is None
        long = "x" * (LONGEST + 1)
        other.write(create_mailbox(1, long, 1))
        assert known.mailbox(1, long) is not known.mailbox(1, long)

    beside(tmp_path, act)
    assert MOST <= 20_000  # of a few hundred octets each


def test_no_more_is_kept_of_one_account_than_of_all(tmp_path: Path) -> None:
    """A client may ask for the same in many ways, while nothing changes."""

    def act(_: Known, store: Store, other: DirectStore) -> None:
        known = Known(store, most=10)
        for _round in range(3):
            found = known.of(1)
            for number in range(25):
                known.keep(1, found, number, "answer")
                assert known.count == 1 + len(found.answers) or not known.count
                assert len(found.answers) < 10
            known.keep(2, known.of(2), "key", "answer")
            assert 2 <= known.count <= 10
            other.write(append(1))
            known.of(1)
            other.write(append(2))
            known.of(2)
            assert known.count == 0

    beside(tmp_path, act)


def test_what_was_read_before_a_change_is_not_kept_after_it(tmp_path: Path) -> None:
    def act(known: Known, store: Store, other: DirectStore) -> None:
        found = known.of(1)
        other.write(append(1))  # while it is read
        known.keep(1, found, "key", "old")
        assert "key" not in known.of(1).answers
        assert known.count == 0

    beside(tmp_path, act)


def test_accounts_that_share_a_word(tmp_path: Path) -> None:
    editions = AccountEditions(tmp_path)
    before = editions.of(3)
    editions.begin([3, 3 + SHARED, 4])
    assert editions.of(3) & 1
    assert editions.of(4) & 1
    assert not editions.of(5) & 1
    editions.end()
    assert editions.of(3) == editions.of(3 + SHARED) == before + 2
    editions.close()
