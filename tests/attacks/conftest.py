"""Servers to be attacked."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.server import Server

HASH = {"passwords.memory": 64, "passwords.passes": 1}  # the hash is not what is tested
PATIENCE = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One worker, so that its memory can be watched."""
    with Server(workers=1, settings=HASH) as running:
        running.add_accounts(["anna@localhost", "boris@localhost"], "secret")
        yield running


def connect(server: Server, service: str) -> socket.socket:
    wire = socket.create_connection(server.address(service), PATIENCE)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if service in ("submissions", "pop3s", "imaps"):
        return server.tls().wrap_socket(wire)
    return wire


def read_until(wire: socket.socket, *marks: bytes) -> bytes:
    """What comes, up to a line that begins with one of the marks, or to the end."""
    got = b""
    while not (got.endswith(b"\n") and got.splitlines()[-1].startswith(marks)):
        try:
            octets = wire.recv(65536)
        except ConnectionError:
            return got
        if not octets:
            return got
        got += octets
    return got


def read_all(wire: socket.socket) -> bytes:
    """Everything, to the end."""
    return read_until(wire, b"\0")


def memory(server: Server) -> int:
    """Octets of the worker's memory that are its own."""
    total = 0
    for pid in server.pids():
        status = Path(f"/proc/{pid}/status").read_text()
        total += int(status.partition("RssAnon:")[2].split()[0]) * 1024
    return total


def works(server: Server) -> None:
    """All services still answer, and an account can log in."""
    for service in ("smtp", "submission", "pop3", "imap", "imaps"):
        with connect(server, service) as wire:
            assert read_until(wire, b"220 ", b"+OK", b"* OK")
    with connect(server, "imap") as wire:
        wire.sendall(b"a LOGIN anna@localhost secret\r\n")
        assert b"a OK" in read_until(wire, b"a ")
