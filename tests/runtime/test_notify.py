"""News between processes, here between several sockets of one."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from posthouse.runtime.notify import SUFFIX, Receiver, Sender

News = tuple[str, int, int]


class Listening:
    """A process that hears, and what it has heard."""

    def __init__(self, directory: Path) -> None:
        self.heard: list[News] = []
        self.sender = Sender(directory)
        self._more = asyncio.Event()
        self.receiver = Receiver(self.sender, self._hear)

    def _hear(self, *news: object) -> None:
        topic, key, value = news
        assert isinstance(topic, str)
        assert isinstance(key, int)
        assert isinstance(value, int)
        self.heard.append((topic, key, value))
        self._more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def listening(directory: Path) -> AsyncIterator[Listening]:
    here = Listening(directory)
    try:
        yield here
    finally:
        here.receiver.close()
        here.sender.close()


def test_news_is_heard_by_others_and_not_by_oneself(tmp_path: Path) -> None:
    async def work() -> None:
        async with listening(tmp_path) as here:
            here.sender.send([("account", 1, 1)])
            with closing(Sender(tmp_path)) as other:
                other.send([("account", 7, 1234), ("queue", 0, 5)])
            await here.until(2)
            assert here.heard == [("account", 7, 1234), ("queue", 0, 5)]

    asyncio.run(work())


def test_a_directory_with_a_long_name(tmp_path: Path) -> None:
    async def work() -> None:
        deep = tmp_path / ("d" * 120)
        async with listening(deep) as here:
            with closing(Sender(deep)) as other:
                other.send([("account", 1, 2)])
            await here.until(1)

    asyncio.run(work())


def test_the_socket_of_a_process_that_has_gone_is_removed(tmp_path: Path) -> None:
    with closing(Sender(tmp_path)) as sender:
        left = tmp_path / "run" / f"99999{SUFFIX}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as gone:
            gone.bind(str(left))
        sender.send([("account", 1, 1)])
        assert not left.exists()
        sender.send([("account", 1, 1)])


def test_a_slow_receiver_holds_nobody_up(tmp_path: Path) -> None:
    with (
        closing(Sender(tmp_path)) as sender,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as slow,
    ):
        slow.bind(str(tmp_path / "run" / f"1{SUFFIX}"))
        for number in range(10_000):
            sender.send([("account", 1, number)])


def test_what_a_slow_receiver_missed_comes_later(tmp_path: Path) -> None:
    async def work() -> None:
        async with listening(tmp_path) as here:
            with closing(Sender(tmp_path)) as other:
                other.later = asyncio.get_running_loop().call_later
                for number in range(200):  # more than are queued, while nobody reads
                    other.send([("account", number, number)])
                await here.until(200)
                assert set(here.heard) == {("account", n, n) for n in range(200)}

    asyncio.run(work())


def test_many_news_and_nonsense(tmp_path: Path) -> None:
    async def work() -> None:
        async with listening(tmp_path) as here:
            address = str(tmp_path / "run" / f"{os.getpid()}{SUFFIX}")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
                for nonsense in (
                    b"",
                    b"\xff\n\n",
                    b"account 1",
                    b"account -1 2",
                    b"a 1 " + b"9" * 99,
                ):
                    stranger.sendto(nonsense, address)
            with closing(Sender(tmp_path)) as other:
                other.send([("account", key, 10**18) for key in range(1000)])
            await here.until(1000)
            assert len(set(here.heard)) == 1000

    asyncio.run(work())


def test_who_lives(tmp_path: Path) -> None:
    async def work() -> None:
        async with listening(tmp_path) as here:
            run = tmp_path / "run"
            with (
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other,
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as gone,
            ):
                other.bind(str(run / f"1{SUFFIX}"))
                gone.bind(str(run / f"2{SUFFIX}"))
                gone.close()
                assert here.sender.living() == [1]

    asyncio.run(work())
