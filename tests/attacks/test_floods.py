"""Too much, too slow, never read: the server's memory stays as it is, and others are served."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.attacks.conftest import HASH, PATIENCE, connect, memory, read_all, read_until, works
from tests.system.server import Server

MEBIBYTE = 1024 * 1024
GREETINGS = (b"220 ", b"+OK", b"* OK")


def pour(wire: socket.socket, block: bytes, count: int) -> int:
    """Send a block many times; how many times until the server would have no more."""
    for number in range(count):
        try:
            wire.sendall(block)
        except OSError:
            return number
    return count


@pytest.mark.parametrize(
    ("service", "before"),
    [
        ("smtp", b""),
        ("smtp", b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<anna@localhost>\r\nDATA\r\n"),
        ("submission", b"EHLO x\r\nAUTH PLAIN "),
        ("pop3", b""),
        ("pop3", b"USER anna@localhost\r\nPASS secret\r\nRETR "),
        ("imap", b""),
        ("imap", b"a LOGIN anna@localhost secret\r\nb SELECT INBOX\r\nc SEARCH "),
        ("imaps", b"a LOGIN "),
    ],
)
def test_attack_09_a_line_without_end(server: Server, service: str, before: bytes) -> None:
    """64 MiB without a line's end, in every protocol and several states."""
    with connect(server, service) as wire:
        read_until(wire, *GREETINGS)
        wire.sendall(before)
        before_it = memory(server)
        pour(wire, b"x" * MEBIBYTE, 64)
        assert memory(server) < before_it + 16 * MEBIBYTE
    works(server)


def test_attack_12_more_than_the_limit(server: Server) -> None:
    """A message far above the limit is read to its end, or the connection ends; nothing is kept."""
    with connect(server, "smtp") as wire:
        read_until(wire, *GREETINGS)
        wire.sendall(b"EHLO x\r\nMAIL FROM:<a@b> SIZE=10\r\nRCPT TO:<anna@localhost>\r\nDATA\r\n")
        read_until(wire, b"354 ")
        before = memory(server)
        line = b"y" * 900 + b"\r\n"
        block = line * (MEBIBYTE // len(line))
        if pour(wire, block, 60) == 60:
            wire.sendall(b".\r\n")
            assert read_until(wire, b"552 ", b"421 ").startswith(b"552 5.3.4 ")
        assert memory(server) < before + 32 * MEBIBYTE
    works(server)


def test_attack_13_literals_that_are_only_announced(server: Server) -> None:
    before = memory(server)
    wires = [connect(server, "imap") for _ in range(50)]
    for wire in wires:
        read_until(wire, *GREETINGS)
        wire.sendall(b"a LOGIN {4294967295}\r\n")
        assert b"[TOOBIG]" in read_until(wire, b"a ", b"* BYE")
        wire.sendall(b"b LOGIN {2000000+}\r\n" + b"x" * 100_000)
    works(server)
    assert memory(server) < before + 16 * MEBIBYTE
    for wire in wires:
        wire.close()


def test_attack_18_answers_that_are_not_read(server: Server) -> None:
    """A client asks for hundreds of megabytes and reads nothing: they are not made."""
    with connect(server, "imap") as wire:
        read_until(wire, *GREETINGS)
        wire.sendall(b"a LOGIN anna@localhost secret\r\n")
        read_until(wire, b"a ")
        content = b"Subject: x\r\n\r\n" + (b"z" * 998 + b"\r\n") * 4000
        wire.sendall(b"b APPEND INBOX {%d+}\r\n%b\r\nc SELECT INBOX\r\n" % (len(content), content))
        read_until(wire, b"c ")
        before = memory(server)
        pour_many(wire, b"d FETCH 1 BODY.PEEK[]\r\n" * 100)
        works(server)
        assert memory(server) < before + 24 * MEBIBYTE


def test_attack_18_news_that_are_not_read(server: Server) -> None:
    """A client has all of each new message sent to it, and reads none: they are not made."""
    server.add_account("watcher@localhost", "secret")
    with connect(server, "imap") as watcher, connect(server, "imap") as other:
        for wire in (watcher, other):
            read_until(wire, *GREETINGS)
            wire.sendall(b"a LOGIN watcher@localhost secret\r\nb SELECT INBOX\r\n")
            read_until(wire, b"b ")
        watcher.sendall(b"c NOTIFY SET (selected (MessageNew (BODY.PEEK[]) MessageExpunge))\r\n")
        read_until(watcher, b"c ")
        content = b"Subject: x\r\n\r\n" + (b"z" * 998 + b"\r\n") * 4000
        other.sendall(b"c APPEND INBOX {%d+}\r\n%b\r\n" % (len(content), content))
        read_until(other, b"c ")
        before = memory(server)
        for _ in range(60):
            other.sendall(b"d UID COPY 1 INBOX\r\n")
            assert b"d OK " in read_until(other, b"d ")
        works(server)
        assert memory(server) < before + 24 * MEBIBYTE


def pour_many(wire: socket.socket, octets: bytes) -> None:
    wire.setblocking(False)
    try:
        wire.send(octets)
    except BlockingIOError:
        return
    finally:
        wire.settimeout(PATIENCE)


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    times = {"command": 1, "data": 1, "message": 2, "greeting": 2, "imap": 1, "handshake": 1}
    settings = {f"timeouts.{name}": value for name, value in times.items()}
    with Server(workers=1, settings=HASH | settings) as running:
        running.add_account("anna@localhost", "secret")
        yield running


@pytest.mark.parametrize(
    ("service", "before"),
    [
        ("smtp", b""),
        ("smtp", b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<anna@localhost>\r\nDATA\r\n"),
        ("submission", b"EHLO x\r\nAUTH PLAIN\r\n"),
        ("pop3", b""),
        ("imap", b""),
        ("imap", b"a AUTHENTICATE PLAIN\r\n"),
    ],
)
def test_attack_10_an_octet_now_and_then(impatient: Server, service: str, before: bytes) -> None:
    """Each octet comes soon enough; all together do not."""
    with connect(impatient, service) as wire:
        read_until(wire, *GREETINGS)
        wire.sendall(before)
        begun = time.monotonic()
        wire.settimeout(0.2)
        while time.monotonic() < begun + PATIENCE:
            try:
                wire.sendall(b"x")
                if not wire.recv(65536):
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
    pytest.fail("it was waited for all the same")


@pytest.mark.parametrize("service", ["submissions", "pop3s", "imaps"])
def test_attack_10_a_handshake_that_does_not_go_on(impatient: Server, service: str) -> None:
    with socket.create_connection(impatient.address(service), PATIENCE) as wire:
        wire.sendall(b"\x16\x03\x01")
        assert read_all(wire) == b""


def test_attack_10_many_connections_that_say_nothing(impatient: Server) -> None:
    wires = [socket.create_connection(impatient.address("imap"), PATIENCE) for _ in range(300)]
    works(impatient)
    for wire in wires:
        assert read_all(wire).count(b"\r\n") in (0, 1, 2)
        wire.close()


def test_attack_11_a_flood_of_commands_ends(server: Server) -> None:
    """Errors are counted in every protocol."""
    for service in ("smtp", "submission", "pop3", "imap"):
        with connect(server, service) as wire:
            read_until(wire, *GREETINGS)
            pour(wire, b"a NOPE\r\n" * 100, 3)
            assert read_all(wire).count(b"\r\n") < 80
    works(server)


def test_attack_70_no_file_is_left() -> None:
    """With few file descriptors, connections wait or are dropped; later all is well again."""
    with Server(workers=1, settings=HASH, wrapper=("prlimit", "--nofile=80:80")) as small:
        small.add_account("anna@localhost", "secret")
        wires = []
        for _ in range(150):
            try:
                wires.append(socket.create_connection(small.address("imap"), 1))
            except OSError:
                break
        for wire in wires:
            wire.close()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                works(small)
                break
            except (OSError, AssertionError):
                assert time.monotonic() < deadline, small.log()[-2000:]
                time.sleep(0.1)
