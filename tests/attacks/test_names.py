"""Names that want to be paths, statements or other people's."""

from __future__ import annotations

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from posthouse.protocols.imap import utf7
from tests.attacks.conftest import connect, read_until, works
from tests.system.server import Server

TRAVERSALS = [
    "../../../etc/passwd", "..", "...", "/etc/passwd", "a/../../b", "..\\..\\windows", "C:\\x",
    "NUL", "CON", "a\x7fb", "\u202e", "%2e%2e%2f", "~root", "$HOME", "`id`", "x" * 1025,
    "\u2024\u2024/x",
    "／etc／passwd", "posthouse.db", "contents", ".", "-rf",
]  # fmt: skip
INJECTIONS = [
    "' OR '1'='1", "anna@localhost' --", "anna@localhost'; DROP TABLE account; --", '" OR ""="',
    "anna@localhost\\' OR 1=1 --", "%@localhost", "_nna@localhost", "anna@localhost%00", "*",
    "anna@localhost)(uid=*", "?1", ":x", "anna@localhost UNION SELECT 1", "anna%40localhost",
]  # fmt: skip


def files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


def test_attack_23_mailboxes_are_no_files(server: Server) -> None:
    parent = server.data.parent
    before, beside = files(server.data), {p.name for p in parent.iterdir()}
    with connect(server, "imap") as wire:
        read_until(wire, b"* OK")
        wire.sendall(b"a LOGIN boris@localhost secret\r\n")
        read_until(wire, b"a ")
        for name in TRAVERSALS:
            quoted = utf7.encode(name).replace(b"\\", b"\\\\")
            letter = b"Subject: x\r\n\r\n" + b"y" * 100
            wire.sendall(
                b'a CREATE "%b"\r\nb APPEND "%b" {%d+}\r\n%b\r\nc SELECT "%b"\r\nd DELETE "%b"\r\n'
                % (quoted, quoted, len(letter), letter, quoted, quoted)
            )
            assert b"SERVERBUG" not in read_until(wire, b"d "), name
    made = {Path(name).name for name in files(server.data) - before}
    assert all(name.endswith(("-wal", "-shm")) for name in made), made
    assert not {p.name for p in parent.iterdir() if p.name in ("passwd", "b")} - beside


@pytest.mark.parametrize("name", [*TRAVERSALS, *INJECTIONS])
def test_attack_23_26_accounts_that_nobody_has(server: Server, name: str) -> None:
    """Every way in takes a name for a name; those who are there are still there after it."""
    plain = b64encode(f"\0{name}\0secret".encode())
    with connect(server, "submission") as wire:
        wire.sendall(b"EHLO x\r\nAUTH PLAIN " + plain + b"\r\n")
        assert read_until(wire, b"535 ", b"501 ", b"500 ").startswith(b"220")
    with connect(server, "imap") as wire:
        literal = name.encode()
        wire.sendall(b"a LOGIN {%d+}\r\n%b secret\r\n" % (len(literal), literal))
        assert read_until(wire, b"a ").splitlines()[-1].startswith((b"a NO ", b"a BAD "))
    with connect(server, "smtp") as wire:
        wire.sendall(f'EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<"{name}"@localhost>\r\n'.encode())
        assert read_until(wire, b"50", b"55").splitlines()[-1].startswith((b"50", b"55"))


def test_attack_26_nothing_was_dropped(server: Server) -> None:
    works(server)
    assert "anna@localhost" in server.run("account", "list")


def test_attack_27_bad_log_ins_hold_up_nobody(server: Server) -> None:
    """Invalid base64 and wrong passwords at the same time as good ones."""
    bad = [
        b"AUTH PLAIN ====",
        b"AUTH LOGIN \xff",
        b"AUTH PLAIN " + b64encode(b"\0anna@localhost\0x"),
    ]

    def wrong(number: int) -> bytes:
        with connect(server, "submission") as wire:
            wire.sendall(b"EHLO x\r\n" + bad[number % 3] + b"\r\n")
            return read_until(wire, b"5").splitlines()[-1]

    def right(_: int) -> bytes:
        with connect(server, "submission") as wire:
            token = b64encode(b"\0anna@localhost\0secret")
            wire.sendall(b"EHLO x\r\nAUTH PLAIN " + token + b"\r\n")
            return read_until(wire, b"235 ", b"5", b"4").splitlines()[-1]

    with ThreadPoolExecutor(16) as pool:
        wrongs = pool.map(wrong, range(60))
        rights = list(pool.map(right, range(60)))
        assert all(line.startswith(b"5") for line in wrongs)
    assert all(line.startswith(b"235 ") for line in rights), rights


@pytest.mark.parametrize(
    "name", ["ANNA@LOCALHOST", "anna@LocalHost", "ａｎｎａ@localhost", "anna@localhost."]
)
def test_attack_24_one_account_by_any_spelling(server: Server, name: str) -> None:
    """What looks the same to people is the same account, or none; never another."""
    with connect(server, "imap") as wire:
        literal = name.encode()
        wire.sendall(b"a LOGIN {%d+}\r\n%b secret\r\n" % (len(literal), literal))
        last = read_until(wire, b"a ").splitlines()[-1]
    assert last.startswith((b"a OK", b"a NO [AUTHENTICATIONFAILED]"))
    done = server.run("account", "add", name, "--password-stdin", given="other\n", expect=None)
    assert "added" not in done.lower()
    works(server)


def test_attack_29_the_owner_is_never_locked_out(server: Server) -> None:
    """Many guesses from beside her: each connection has a few, and she still gets in."""
    for _ in range(3):
        with connect(server, "imap") as wire:
            wire.sendall(b"".join(b"a%d LOGIN anna@localhost no%d\r\n" % (n, n) for n in range(30)))
            said = read_until(wire, b"* BYE", b"a29 ")
            assert said.count(b"AUTHENTICATIONFAILED") == 5  # limits.log_ins
    works(server)
