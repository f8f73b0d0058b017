"""POP3 on a real store and real connections, as poplib sees it."""

from __future__ import annotations

import asyncio
import os
import poplib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from posthouse.message.summary import summarise
from posthouse.protocols.pop3.events import Open, Update
from posthouse.protocols.sasl import BY_PASSWORD
from posthouse.protocols.sasl.mechanism import Denied, Lookup, Mechanism, Password, Proof
from posthouse.runtime.census import Census, Limits
from posthouse.runtime.connection import Connection
from posthouse.runtime.log import open_log
from posthouse.runtime.service import Peer, Service
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import Prepared, insert_content, prepare, prepare_file
from posthouse.store.lock import lock_maildrop
from posthouse.store.mailboxes import create_default_mailboxes
from posthouse.store.maildrop import delete_messages
from posthouse.store.messages.append import Filed, append_message, file_message
from posthouse.store.messages.expunge import expunge_messages
from posthouse.store.messages.rows import INBOX
from posthouse.store.migrate import migrate
from posthouse.store.serve import pop3
from posthouse.store.serve.login import Door
from posthouse.store.serve.pop3 import SHORT, Pop3, Settings
from posthouse.store.store import Store
from posthouse.store.summaries import insert_summary
from posthouse.store.unit import Work, one_of, rows_of, run

SUMMARY = summarise(b"Subject: any\r\n\r\n")
SMALL = b"From: ann@a.example\r\nSubject: small\r\n\r\n.dot\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"".join(b".%d\r\n" % n for n in range(50_000)) + b"end\r\n"


@dataclass(frozen=True)
class Known:
    account: int
    address: str


class OnDisk(BlobFiles):
    """Of which nothing is in memory: the disk must be waited for."""

    def read_at_hand(self, name: str, offset: int, length: int) -> None:
        return None


class OnePassword:
    def offers(self, service: str) -> Mapping[str, Mechanism]:
        return BY_PASSWORD

    def offers_apop(self) -> bool:
        return False

    def tell(self, question: Lookup) -> object:
        raise AssertionError(f"not asked for passwords: {question!r}")

    def enter(self, guest: Door, login: object) -> None: ...

    def leave(self, guest: Door, login: object) -> None: ...

    async def check(self, question: Proof, service: str, peer: str = "") -> Known | Denied:
        assert isinstance(question, Password)
        if question.password != "secret":
            return Denied()
        return Known({"ann": 1, "bob": 2}[question.user], f"{question.user}@a.example")


@dataclass
class Worker:
    """A store with a POP3 service, as one worker process has them."""

    store: Store
    blobs: BlobFiles
    service: Pop3
    port: int

    async def file(self, prepared: Prepared) -> int:
        filed = await self.store.write(append_message(1, "INBOX", prepared, SUMMARY, 0, ""))
        return filed.uid

    async def file_large(self) -> int:
        writer = self.blobs.begin()
        writer.write(LARGE)
        return await self.file(prepare_file(writer.finish(), len(LARGE), LARGE[:65536]))

    def uids(self) -> list[int]:
        def unit() -> Work[list[int]]:
            rows = yield from rows_of("SELECT uid FROM message WHERE mailbox = 1 ORDER BY uid")
            return [uid for (uid,) in rows]

        return self.store.read(unit)

    def log_in(self, user: str = "ann") -> poplib.POP3:
        client = poplib.POP3("127.0.0.1", self.port, timeout=20)
        try:
            client.user(user)
            client.pass_("secret")
        except poplib.error_proto:
            client.quit()
            raise
        return client

    def log_in_when_free(self) -> poplib.POP3:
        """Once the server has noticed that the session before has gone."""
        while True:
            try:
                return self.log_in()
            except poplib.error_proto as error:
                if b"[IN-USE]" not in error.args[0]:
                    raise


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Worker]:
    migrate(directory)
    log = open_log(write=lambda _: None)
    store = Store(directory)
    blobs = BlobFiles(directory)
    service = Pop3(store, blobs, OnePassword(), Settings("pop.example"), time.time, log, False)
    census = Census(Limits(), log)
    offer = Service("pop3", service.begin)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(offer, census), "127.0.0.1", 0
    )
    try:
        await store.write(make_accounts)
        yield Worker(store, blobs, service, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await census.finish(5)
        store.close()


def make_accounts() -> Work[None]:
    if (yield from one_of("SELECT 1 FROM account")) is None:
        for account in (1, 2):
            yield from run(
                "INSERT INTO account (id, address, password, created) VALUES (?1, ?2, '', 0)",
                account,
                f"{account}@a.example",
            )
            yield from create_default_mailboxes(account, 0)


Test = Callable[[Worker], Coroutine[object, object, None]]


def on_worker(directory: Path, test: Test) -> None:
    async def main() -> None:
        async with serving(directory) as worker:
            await test(worker)

    asyncio.run(main())


def joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


def test_messages_are_what_was_filed(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        await worker.file(prepare(SMALL))
        await worker.file_large()
        client = await asyncio.to_thread(worker.log_in)

        def read() -> None:
            assert client.stat() == (2, len(SMALL) + len(LARGE))
            assert client.list()[1] == [b"1 %d" % len(SMALL), b"2 %d" % len(LARGE)]
            ids = client.uidl()[1]
            assert len(set(ids)) == 2
            assert joined(client.retr(1)[1]) == SMALL
            assert joined(client.retr(2)[1]) == LARGE
            assert joined(client.top(2, 1)[1]) == b"Subject: large\r\n\r\n.0\r\n"
            client.quit()
            again = worker.log_in()
            assert again.uidl()[1] == ids
            again.quit()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


@pytest.mark.parametrize("files", [BlobFiles, OnDisk])
def test_each_copy_has_its_own_fields(tmp_path: Path, files: type[BlobFiles]) -> None:
    """Return-Path and Delivered-To come before a shared content, in a row or a file."""
    prefix = b"Return-Path: <bob@b.example>\r\nDelivered-To: ann@a.example\r\n"

    async def test(worker: Worker) -> None:
        def deliver(prepared: Prepared) -> Callable[[], Work[Filed]]:
            def unit() -> Work[Filed]:
                content = yield from insert_content(prepared, 1)
                yield from insert_summary(content, SUMMARY)
                return (yield from file_message(1, INBOX, content, prepared.size, 0, prefix=prefix))

            return unit

        worker.service.blobs = files(tmp_path)
        writer = worker.blobs.begin()
        writer.write(LARGE)
        await worker.store.write(deliver(prepare(SMALL)))
        await worker.store.write(deliver(prepare_file(writer.finish(), len(LARGE), LARGE[:65536])))
        client = await asyncio.to_thread(worker.log_in)

        def read() -> None:
            sizes = len(prefix + SMALL), len(prefix + LARGE)
            assert client.list()[1] == [b"1 %d" % sizes[0], b"2 %d" % sizes[1]]
            assert joined(client.retr(1)[1]) == prefix + SMALL
            assert joined(client.retr(2)[1]) == prefix + LARGE
            assert joined(client.top(2, 0)[1]) == prefix + b"Subject: large\r\n\r\n"
            assert joined(client.retr(2)[1]) == prefix + LARGE
            client.quit()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


def test_deleted_by_quit_alone(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        uids = [await worker.file(prepare(SMALL)) for _ in range(4)]
        client = await asyncio.to_thread(worker.log_in)

        def lose() -> None:
            client.dele(1)
            client.close()

        await asyncio.to_thread(lose)
        assert worker.uids() == uids

        def delete() -> None:
            again = worker.log_in_when_free()
            again.dele(2)
            again.dele(4)
            again.quit()
            worker.log_in().quit()  # the maildrop is free once QUIT is answered

        await asyncio.to_thread(delete)
        assert worker.uids() == [uids[0], uids[2]]

    on_worker(tmp_path, test)


def test_one_session_has_the_maildrop(tmp_path: Path) -> None:
    """Over two stores on one directory, as two workers are."""

    async def test(first: Worker) -> None:
        async with serving(tmp_path) as second:
            holder = await asyncio.to_thread(first.log_in)

            def refused() -> None:
                for worker in (first, second):
                    with pytest.raises(poplib.error_proto, match="IN-USE"):
                        worker.log_in()
                second.log_in("bob").quit()
                holder.quit()
                second.log_in().quit()

            await asyncio.to_thread(refused)

    on_worker(tmp_path, test)


def test_expunged_by_another_way(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        uids = [await worker.file(prepare(SMALL)) for _ in range(3)]
        client = await asyncio.to_thread(worker.log_in)
        await worker.store.write(
            expunge_messages(1, INBOX, [(uids[1], uids[1])], 0, deleted_only=False)
        )
        arrived = await worker.file(prepare(SMALL))

        def read() -> None:
            assert client.stat()[0] == 3
            with pytest.raises(poplib.error_proto, match="no longer there"):
                client.retr(2)
            assert joined(client.retr(3)[1]) == SMALL
            client.dele(1)
            client.dele(2)
            client.quit()

        await asyncio.to_thread(read)
        assert worker.uids() == [uids[2], arrived]

    on_worker(tmp_path, test)


def test_quit_is_done_though_the_client_goes(tmp_path: Path) -> None:
    """What was handed to the writer completes, and only then is the maildrop free."""

    async def test(worker: Worker) -> None:
        await worker.file(prepare(SMALL))
        _, agent = worker.service.begin(Peer("127.0.0.1", 1, "127.0.0.1", 2, None), print)
        await cast("Awaitable[object]", agent.ask(Password("ann", "secret")))
        await cast("Awaitable[object]", agent.ask(Open("ann@a.example")))
        assert lock_maildrop(tmp_path, 1) is None
        update = asyncio.ensure_future(cast("Awaitable[object]", agent.ask(Update((1,)))))
        await asyncio.sleep(0)
        update.cancel()
        agent.closed()
        await worker.store.write(make_accounts)
        assert worker.uids() == []
        lock = lock_maildrop(tmp_path, 1)
        assert lock is not None
        lock.release()

    on_worker(tmp_path, test)


def test_attack_63_a_lost_file_does_not_look_like_a_short_message(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        await worker.file_large()
        client = await asyncio.to_thread(worker.log_in)
        (path,) = (tmp_path / "blobs").glob("*/*")
        os.truncate(path, len(LARGE) - 10)

        def read() -> None:
            with pytest.raises(poplib.error_proto, match="EOF"):
                client.retr(1)
            client.close()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


def test_a_long_maildrop(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        count = 3000
        await asyncio.gather(*(worker.file(prepare(SMALL)) for _ in range(count)))
        client = await asyncio.to_thread(worker.log_in)

        def read() -> None:
            assert client.stat() == (count, count * len(SMALL))
            assert len(client.uidl()[1]) == count
            client.quit()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


def test_the_end_of_a_long_maildrop_is_written_off_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(worker: Worker) -> None:
        count = SHORT + 1
        await asyncio.gather(*(worker.file(prepare(SMALL)) for _ in range(count)))
        threads: list[int] = []

        def watched(*given: object) -> Work[list[int]]:
            threads.append(threading.get_ident())
            return (yield from delete_messages(*given)())  # type: ignore[arg-type]

        monkeypatch.setattr(pop3, "delete_messages", lambda *given: lambda: watched(*given))
        _, agent = worker.service.begin(Peer("127.0.0.1", 1, "127.0.0.1", 2, None), print)
        await cast("Awaitable[object]", agent.ask(Password("ann", "secret")))
        await cast("Awaitable[object]", agent.ask(Open("ann@a.example")))
        everything = Update(tuple(range(1, count + 1)))
        await cast("Awaitable[object]", agent.ask(everything))
        assert worker.uids() == []
        assert threads
        assert threading.get_ident() not in threads

    on_worker(tmp_path, test)


def damage_the_second() -> Work[None]:
    yield from run("UPDATE content_octets SET body = x'00' WHERE content = 2")


def test_attack_63_a_damaged_message_leaves_the_others(tmp_path: Path) -> None:
    """Neither of the damaged ones keeps the maildrop from being opened."""

    async def test(worker: Worker) -> None:
        eight_bit = SMALL + "é".encode()  # it has to be looked at for its size
        for content in (SMALL, eight_bit, SMALL):
            await worker.file(prepare(content))
        await worker.store.write(damage_the_second)
        for _ in range(2):
            await worker.file_large()
        lost, cut = (worker.blobs._path(name) for name in worker.store.read(files))
        lost.unlink()
        os.truncate(cut, 100)
        client = await asyncio.to_thread(worker.log_in)

        def read() -> None:
            assert client.stat()[0] == 5
            for number in (2, 4, 5):
                with pytest.raises(poplib.error_proto, match="SYS/PERM"):
                    client.retr(number)
            for number in (1, 3):
                assert joined(client.retr(number)[1]) == SMALL
            client.quit()

        await asyncio.to_thread(read)

    on_worker(tmp_path, test)


def files() -> Work[list[str]]:
    rows = yield from rows_of("SELECT file FROM content WHERE file IS NOT NULL ORDER BY id")
    return [file for (file,) in rows]
