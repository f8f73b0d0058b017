"""What the machine allows: syncs, new files and loopback, measured as a server would use them.

Each measure gives a rate, the time of one operation and the processor time that it takes here.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import await_start, perform, report

BLOCK = b"x" * 4096
GROUP = 20  # appends that share a sync
PIECE = 1 << 20  # octets of a write, and of a send, of a stream


@dataclass(slots=True)
class Orders:
    """`action` is one of ACTIONS."""

    action: str
    folder: str
    workers: int = 1  # writers, or connections
    operations: int = 1000  # of all of them
    limit: int = 120
    latencies: list[float] = field(default_factory=list)


def append(orders: Orders) -> None:
    """4 kB at the end of a file that is there, and fdatasync; each writer has a file."""
    _write_in_threads(orders, lambda number: _Appending(orders, number, 1))


def append_shared(orders: Orders) -> None:
    """The same, but a sync for so many appends."""
    _write_in_threads(orders, lambda number: _Appending(orders, number, GROUP))


def new_file(orders: Orders) -> None:
    """A new file of 4 kB, fsync, rename, fsync of its folder; each writer has a folder."""
    _write_in_threads(orders, lambda number: _Filing(orders, number))


def stream_to_disk(orders: Orders) -> None:
    """1 MB after the other, and one fsync at the end; an operation is 1 MB."""
    await_start()
    began = time.perf_counter()
    with (Path(orders.folder) / "stream").open("wb") as file:
        for _ in range(orders.operations):
            _timed(orders, lambda: file.write(b"x" * PIECE))
        os.fsync(file.fileno())
    took = time.perf_counter() - began
    (Path(orders.folder) / "stream").unlink()
    report(orders.operations, took, orders.latencies)


class _Appending:
    """A writer with a file."""

    def __init__(self, orders: Orders, number: int, share: int) -> None:
        self.path = Path(orders.folder) / f"append{number}"
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._share = share
        self._since = 0
        os.fsync(self._descriptor)

    def work(self) -> None:
        os.write(self._descriptor, BLOCK)
        self._since += 1
        if self._since == self._share:
            os.fdatasync(self._descriptor)
            self._since = 0

    def close(self) -> None:
        os.close(self._descriptor)
        self.path.unlink()


class _Filing:
    """A writer with a folder."""

    def __init__(self, orders: Orders, number: int) -> None:
        self._folder = Path(orders.folder) / f"box{number}"
        self._folder.mkdir(exist_ok=True)
        self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        self._number = 0

    def work(self) -> None:
        self._number += 1
        fresh = self._folder / f"{self._number}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, BLOCK)
        os.fsync(descriptor)
        os.close(descriptor)
        fresh.rename(self._folder / str(self._number))
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)
        for path in self._folder.iterdir():
            path.unlink()


def _write_in_threads(orders: Orders, make: Callable[[int], _Appending | _Filing]) -> None:
    writers = [make(number) for number in range(orders.workers)]
    each = orders.operations // orders.workers

    def work(writer: _Appending | _Filing) -> None:
        for _ in range(each):
            _timed(orders, writer.work)

    threads = [threading.Thread(target=work, args=(writer,)) for writer in writers]
    await_start()
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    for writer in writers:
        writer.close()
    report(each * orders.workers, took, orders.latencies)


def _timed(orders: Orders, work: Callable[[], object]) -> None:
    started = time.perf_counter()
    work()
    orders.latencies.append(time.perf_counter() - started)


def round_trips(orders: Orders) -> None:
    """64 octets there and back over TCP on loopback, from some connections at once."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        port = server.getsockname()[1]
        child = os.fork()
        if child == 0:
            _echo(server, orders.workers)
            os._exit(0)
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(orders.workers)]
    await_start()
    began = time.perf_counter()
    _ask(orders, connections)
    took = time.perf_counter() - began
    for connection in connections:
        connection.close()
    os.waitpid(child, 0)
    report(orders.operations, took, orders.latencies)


def _ask(orders: Orders, connections: list[socket.socket]) -> None:
    poll = select.epoll()
    by_number = {connection.fileno(): connection for connection in connections}
    sent: dict[int, float] = {}
    for number, connection in by_number.items():
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(number, select.EPOLLIN)
        sent[number] = time.perf_counter()
        connection.send(BLOCK[:64])
    while len(orders.latencies) < orders.operations:
        for number, _ in poll.poll():
            by_number[number].recv(4096)
            now = time.perf_counter()
            orders.latencies.append(now - sent[number])
            sent[number] = now
            by_number[number].send(BLOCK[:64])
    poll.close()
    del orders.latencies[orders.operations :]


def _echo(server: socket.socket, connections: int) -> None:
    poll = select.epoll()
    accepted = {}
    for _ in range(connections):
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted[connection.fileno()] = connection
        poll.register(connection, select.EPOLLIN)
    while accepted:
        for number, _ in poll.poll():
            octets = _received(accepted[number])
            if octets:
                accepted[number].send(octets)
            else:
                poll.unregister(number)
                accepted.pop(number).close()


def _received(connection: socket.socket) -> bytes:
    """Empty also when the other end has gone with octets on their way."""
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""


def stream(orders: Orders) -> None:
    """1 MB after the other over one connection on loopback; an operation is 1 MB."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        child = os.fork()
        if child == 0:
            connection, _ = server.accept()
            block = bytearray(PIECE)
            while connection.recv_into(block):
                continue
            os._exit(0)
    piece = b"x" * PIECE
    with socket.create_connection(("127.0.0.1", port)) as connection:
        await_start()
        began = time.perf_counter()
        for _ in range(orders.operations):
            _timed(orders, lambda: connection.sendall(piece))
    os.waitpid(child, 0)
    report(orders.operations, time.perf_counter() - began, orders.latencies)


ACTIONS = {
    "append": append,
    "append-shared": append_shared,
    "new-file": new_file,
    "stream-to-disk": stream_to_disk,
    "round-trips": round_trips,
    "stream": stream,
}

if __name__ == "__main__":
    perform(Orders, ACTIONS)
