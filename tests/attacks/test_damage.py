"""Files that were damaged behind the server's back: what is whole is served, the rest is told."""

from __future__ import annotations

import imaplib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks.conftest import HASH
from tests.system.server import Server

LARGE = b"Subject: no. %d\r\n\r\n" + b"".join(b"%07d line\r\n" % n for n in range(20_000))


def cut(path: Path) -> None:
    """Torn: its second half is missing."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, remove, empty])
def test_attack_63_a_damaged_content(damage: Callable[[Path], None]) -> None:
    """One of three messages is damaged: it is refused, never told short; the others are served."""
    with Server(workers=1, settings=HASH) as server:
        server.add_account("anna@localhost", "secret")
        before = _large_files(server.data)
        with imaplib.IMAP4(*server.address("imap"), timeout=20) as client:
            client.login("anna@localhost", "secret")
            made = []
            for number in (1, 2, 3):
                client.append("INBOX", "", "", LARGE % number)
                made.append(_large_files(server.data) - before)
        (second,) = made[1] - made[0]
        server.stop()
        damage(second)
        server.start()
        for number, fine in ((1, True), (2, False), (3, True)):
            got = _fetched(server, number)
            assert got == (LARGE % number if fine else None)


def _large_files(data: Path) -> set[Path]:
    return {
        path
        for path in data.rglob("*")
        if path.is_file() and path.suffix not in (".db", ".log") and path.stat().st_size > 100_000
        if "-wal" not in path.name and "posthouse" not in path.name
    }


def _fetched(server: Server, number: int) -> bytes | None:
    """The content, or None where the server says that it cannot be had, or hangs up."""
    client = imaplib.IMAP4(*server.address("imap"), timeout=20)
    try:
        client.login("anna@localhost", "secret")
        client.select("INBOX", readonly=True)
        status, data = client.fetch(str(number), "(BODY.PEEK[])")
        if status != "OK" or not isinstance(data[0], tuple):
            return None
        content: bytes = data[0][1]
    except (imaplib.IMAP4.abort, OSError):
        return None
    finally:
        client.shutdown()
    return content
