"""What POP3 sends and keeps by RFC 2449 and RFC 6856, as poplib sees it."""

from __future__ import annotations

import asyncio
import poplib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from posthouse.message.surrogate import surrogate
from posthouse.protocols.pop3.policy import Policy
from posthouse.store import sent_sizes
from posthouse.store.contents import prepare, prepare_file
from posthouse.store.direct import DirectStore
from posthouse.store.expiry import DAY, Expiry, accounts_with_expired, is_noted, note_retrieved
from posthouse.store.lock import lock_maildrop
from posthouse.store.messages.append import append_message
from posthouse.store.messages.copy import copy_messages
from posthouse.store.messages.rows import INBOX, LAST_UID
from posthouse.store.migrate import migrate
from posthouse.store.serve.pop3 import FEW, Settings
from posthouse.store.sweeper import Sweeper
from posthouse.store.unit import Work, rows_of
from tests.store.test_pop3 import (
    LARGE,
    SMALL,
    SUMMARY,
    Worker,
    joined,
    make_accounts,
    on_worker,
)

UNENDED = b"Subject: no end\r\n\r\none"
LETTER = "From: лена@пример.example\r\nSubject: да\r\n\r\nтекст\r\n.\r\n".encode()
LARGE_LETTER = LETTER + b"".join(b"..%d\r\n" % n for n in range(50_000)) + b"end"


async def file_large(worker: Worker, content: bytes) -> None:
    writer = worker.blobs.begin()
    writer.write(content)
    await worker.file(prepare_file(writer.finish(), len(content), content[:65536]))


def check(client: poplib.POP3, wanted: list[bytes]) -> None:
    """These messages, and of each the size that is sent."""
    listing = [int(line.split()[1]) for line in client.list()[1]]
    for number, content in enumerate(wanted, 1):
        _, lines, octets = client.retr(number)
        ended = content if content.endswith(b"\r\n") else content + b"\r\n"
        assert joined(lines) == ended
        assert octets == len(ended) == listing[number - 1]
    assert client.stat() == (len(wanted), sum(listing))


def test_sizes_are_what_is_sent(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        filed = [SMALL, UNENDED, LETTER]
        for content in filed:
            await worker.file(prepare(content))
        for large in (LARGE[:-2], LARGE_LETTER):
            filed.append(large)
            await file_large(worker, large)

        def read() -> None:
            for _ in range(2):  # the second time it is known
                plain = worker.log_in()
                check(plain, [surrogate(content) for content in filed])
                assert joined(plain.top(5, 0)[1]) == surrogate(LETTER).partition(b"\xd1")[0]
                plain.quit()
                other = poplib.POP3("127.0.0.1", worker.port, timeout=20)
                assert other.utf8().startswith(b"+OK")
                other.user("ann")
                other.pass_("secret")
                check(other, filed)
                other.quit()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


def test_many_are_looked_at_off_the_loop_and_once(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        await asyncio.gather(*(worker.file(prepare(UNENDED)) for _ in range(FEW + 1)))

        def read() -> tuple[int, int]:
            client = worker.log_in()
            total = client.stat()
            client.quit()
            return total

        total = await asyncio.to_thread(read)
        assert total == (FEW + 1, (FEW + 1) * (len(UNENDED) + 2))

        def noted() -> Work[list[int]]:
            rows = yield from rows_of("SELECT sent_size FROM message WHERE sent_size IS NOT NULL")
            return [row[0] for row in rows]

        await worker.store.write(noted)  # behind what was written without waiting
        assert worker.store.read(noted) == [len(UNENDED) + 2] * (FEW + 1)

    on_worker(tmp_path, test)


def test_a_message_too_large_for_another_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_sizes, "LARGEST", 1000)

    async def test(worker: Worker) -> None:
        await file_large(worker, LARGE_LETTER)
        await file_large(worker, LARGE)

        def read() -> None:
            client = worker.log_in()
            for command in (client.retr, lambda number: client.top(number, 0)):
                with pytest.raises(poplib.error_proto, match=r"\[UTF8\]"):
                    command(1)
            assert joined(client.retr(2)[1]) == LARGE
            client.quit()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


def serve(worker: Worker, **changed: object) -> Clock:
    """With another policy, and a clock of its own."""
    worker.service.settings = replace(Settings("pop.example"), **changed)  # type: ignore[arg-type]
    worker.service.now = clock = Clock()
    return clock


def test_login_delay(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        policy = Policy(login_delay=60, login_delay_varies=True)
        clock = serve(worker, policy=policy, login_delay_except=frozenset({"bob@a.example"}))

        def read() -> None:
            client = worker.log_in()
            assert client.capa()["LOGIN-DELAY"] == ["60"]
            client.quit()
            for later in (0.0, 59.9):
                clock.time += later
                with pytest.raises(poplib.error_proto, match=r"\[LOGIN-DELAY\]"):
                    worker.log_in()
            clock.time += 0.1
            worker.log_in().quit()
            clock.time -= 3600  # somebody has set the clock
            worker.log_in().quit()
            for _ in range(3):
                other = worker.log_in("bob")
                assert other.capa()["LOGIN-DELAY"] == ["0"]
                other.quit()
            stranger = poplib.POP3("127.0.0.1", worker.port, timeout=20)
            assert stranger.capa()["LOGIN-DELAY"] == ["60", "USER"]
            stranger.user("ann")
            with pytest.raises(poplib.error_proto, match="AUTH"):
                stranger.pass_("wrong")  # a guess learns nothing of when somebody was here
            stranger.quit()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


def test_a_refused_login_does_not_prolong_the_delay(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        clock = serve(worker, policy=Policy(login_delay=10))

        def read() -> None:
            worker.log_in().quit()
            clock.time += 9
            with pytest.raises(poplib.error_proto, match="LOGIN-DELAY"):
                worker.log_in()
            clock.time += 1
            worker.log_in().quit()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


Leave = Callable[[poplib.POP3], object]


@pytest.mark.parametrize("leave", [poplib.POP3.quit, poplib.POP3.close])
def test_retrieved_messages_expire(tmp_path: Path, leave: Leave) -> None:
    async def test(worker: Worker) -> None:
        uids = [await worker.file(prepare(SMALL)) for _ in range(3)]
        clock = serve(worker, policy=Policy(expire=5))
        sweeper = Sweeper(worker.store, worker.blobs, clock, worker.service.log, Expiry(5))

        def read() -> None:
            client = worker.log_in()
            assert client.capa()["EXPIRE"] == ["5"]
            client.retr(1)
            client.top(2, 10)
            client.retr(3)
            leave(client)
            again = worker.log_in_when_free()
            clock.time += DAY
            again.retr(3)  # the first time counts
            again.quit()

        await asyncio.to_thread(read)
        clock.time += 4 * DAY
        await sweeper.sweep(thoroughly=False)
        assert worker.uids() == uids
        clock.time += 1
        held = lock_maildrop(tmp_path, 1)
        assert held is not None
        await sweeper.sweep(thoroughly=False)
        assert worker.uids() == uids
        held.release()
        await sweeper.sweep(thoroughly=False)
        assert worker.uids() == [uids[1]]

    on_worker(tmp_path, test)


def test_of_some_accounts_nothing_expires(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        uids = [await worker.file(prepare(SMALL)) for _ in range(2)]
        clock = serve(worker, policy=Policy(expire=5))

        def read(number: int) -> list[str]:
            client = worker.log_in()
            expire = client.capa()["EXPIRE"]
            client.retr(number)
            client.quit()
            return expire

        assert await asyncio.to_thread(read, 1) == ["5"]
        spared = frozenset({"1@a.example", "ann@a.example"})  # in the database, and at the door
        policy = Policy(expire=5, expire_varies=True)
        worker.service.settings = Settings("pop.example", policy=policy, expire_except=spared)
        assert await asyncio.to_thread(read, 2) == ["NEVER"]
        clock.time += 9 * DAY
        expiry = Expiry(5, spared)
        sweeper = Sweeper(worker.store, worker.blobs, clock, worker.service.log, expiry)
        await sweeper.sweep(thoroughly=False)
        assert worker.uids() == uids

    on_worker(tmp_path, test)


def test_no_message_is_looked_at_that_nobody_has_retrieved(tmp_path: Path) -> None:
    """Each minute somebody asks, of mailboxes however large."""
    migrate(tmp_path)
    with DirectStore(tmp_path) as store:
        store.write(make_accounts)
        unit = append_message(1, "INBOX", prepare(SMALL), SUMMARY, 0, "")
        uids = [store.write(unit).uid for _ in range(10)]
        for _ in range(8):
            store.write(copy_messages(1, INBOX, [(1, LAST_UID)], "INBOX"))
        looks = 0

        def look() -> bool:
            nonlocal looks
            looks += 1
            return False

        store._connection.set_progress_handler(look, 500)
        assert store.read(accounts_with_expired(DAY)) == []
        assert not store.read(is_noted("1@a.example"))
        store.write(note_retrieved(1, 1, uids[:1], 0))
        assert store.read(accounts_with_expired(DAY)) == [(1,)]
        assert store.read(is_noted("1@a.example"))
        assert not store.read(is_noted("2@a.example"))
        assert not looks


def test_a_disk_that_has_failed_keeps_nobody_out(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        await worker.file(prepare(SMALL))
        serve(worker, policy=Policy(login_delay=60))
        worker.store._disk_failed(apsw.IOError("no more"))

        def read() -> None:
            client = worker.log_in()
            assert joined(client.retr(1)[1]) == SMALL
            client.quit()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


def test_nothing_may_be_left(tmp_path: Path) -> None:
    """EXPIRE 0: what was retrieved goes with QUIT, and only with QUIT."""

    async def test(worker: Worker) -> None:
        uids = [await worker.file(prepare(SMALL)) for _ in range(3)]
        serve(worker, policy=Policy(expire=0))

        def read(leave: Leave) -> None:
            client = worker.log_in_when_free()
            client.retr(1)
            client.top(2, 10)
            client.dele(3)
            client.rset()
            leave(client)

        await asyncio.to_thread(read, poplib.POP3.close)
        assert worker.uids() == uids
        await asyncio.to_thread(read, poplib.POP3.quit)
        assert worker.uids() == uids[1:]

    on_worker(tmp_path, test)
