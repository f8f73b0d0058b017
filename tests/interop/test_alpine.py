"""Alpine on a terminal, and mailutil of the same library (c-client), over TLS that is verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.letters import SUBJECT, check_rich, rich
from tests.interop.program import Terminal, certificate, home
from tests.system.user import User, contents, until

SETTINGS = """\
personal-name=Ann
user-domain=here.example
customized-hdrs=From: {address}
smtp-server=localhost:{smtp}/{security}/user={address}
inbox-path={place}INBOX
folder-collections=Mail {place}[]
default-fcc=Copies
read-message-folder=
feature-list=quit-without-confirm,expunge-without-confirm,enable-flag-cmd,send-without-confirm,allow-changing-from
encryption-protocol-range=tls1_2,tls1_3
last-time-prune-questioned=126.12
last-version-used=6.26
"""
SECURITY = {"ssl": ("imaps", "submissions"), "tls": ("imap", "submission")}


class Alpine:
    """Alpine as one account's program."""

    def __init__(self, user: User, folder: Path, security: str) -> None:
        self.user = user
        self.environment = home(folder, SSL_CERT_FILE=str(certificate(user.server, folder)))
        imap, smtp = (user.server.port(service) for service in SECURITY[security])
        self.settings = folder / "pinerc"
        self.settings.write_text(
            SETTINGS.format(
                address=user.address,
                place=f"{{localhost:{imap}/{security}/user={user.address}}}",
                smtp=smtp,
                security=security,
            )
        )

    def start(self, *arguments: str) -> Terminal:
        command = ("alpine", "-p", str(self.settings), "-d", "0", *arguments)
        return Terminal(*command, environment=self.environment)

    def log_in(self, terminal: Terminal) -> None:
        terminal.expect("ENTER PASSWORD")
        terminal.type(f"{self.user.password}\r")
        terminal.expect("Preserve password")
        terminal.type("n")


def count(user: User, mailbox: str) -> int:
    """What it has, as another client sees it."""
    with user.imap() as wire:
        _, [number] = wire.select(mailbox, readonly=True)
        return int(number or b"0")


@pytest.mark.parametrize("security", SECURITY)
def test_read_mark_save_and_expunge(anna: User, tmp_path: Path, security: str) -> None:
    anna.fill(4)
    alpine = Alpine(anna, tmp_path, security)
    terminal = alpine.start("-i")
    alpine.log_in(terminal)
    terminal.expect("no. 4")
    terminal.type("\r")  # view the first
    terminal.expect("The text.")
    terminal.type("i")
    terminal.expect("no. 1")
    terminal.type("*")
    terminal.expect("Important]")
    terminal.type("\r")
    terminal.expect("Flagged message")
    terminal.type("n")
    terminal.type("s")
    terminal.expect("SAVE Msg")
    terminal.type("Archive\r")
    until(lambda: count(anna, "Archive") == 1, "the copy")
    terminal.type("x")  # what is saved is deleted
    until(lambda: count(anna, "INBOX") == 3, "EXPUNGE")
    terminal.type("q")
    terminal.end()
    with anna.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"3"])
        assert wire.uid("SEARCH", "FLAGGED") == ("OK", [b"1"])
        assert wire.uid("SEARCH", "SEEN") == ("OK", [b"1"])
        assert wire.select("Archive") == ("OK", [b"1"])


@pytest.mark.parametrize("security", SECURITY)
def test_send(anna: User, boris: User, tmp_path: Path, security: str) -> None:
    attached = tmp_path / "picture.bin"
    attached.write_bytes(bytes(range(256)) * 100)
    alpine = Alpine(anna, tmp_path, security)
    terminal = alpine.start("-attach", str(attached), boris.address)
    terminal.expect("COMPOSE MESSAGE")
    terminal.type("\x18")
    alpine.log_in(terminal)
    terminal.expect("doesn't exist.  Create?")
    terminal.type("y")
    alpine.log_in(terminal)
    terminal.expect("finished")
    terminal.end()
    (octets,) = boris.messages(1)
    assert b"picture.bin" in octets
    assert b"with ESMTPSA" in octets
    assert count(anna, "Copies") == 1


class Mailutil:
    """One command after the other, each with a connection of its own."""

    def __init__(self, user: User, folder: Path) -> None:
        self.user = user
        self.environment = home(folder, SSL_CERT_FILE=str(certificate(user.server, folder)))
        port = user.server.port("imaps")
        self.place = f"{{localhost:{port}/imap/ssl/user={user.address}}}"

    def run(self, command: str, *arguments: str, log_ins: int = 1, expect: int = 0) -> str:
        terminal = Terminal("mailutil", command, "-d", *arguments, environment=self.environment)
        for _ in range(log_ins):
            terminal.expect("password:")
            terminal.type(f"{self.user.password}\n")
        told = terminal.end(expect)
        assert " BAD " not in told, told
        return told


def test_mailutil(anna: User, tmp_path: Path) -> None:
    anna.fill(10)
    with anna.imap() as wire:
        wire.append("INBOX", "(\\Flagged)", "", rich(anna.address, "b@there.example").as_bytes())
        wire.create("Old/First")
        wire.append("Old/First", "", "", b"Subject: old\r\n\r\nText.\r\n")
    mailutil = Mailutil(anna, tmp_path)
    far = mailutil.place
    assert "11 total" in mailutil.run("check", f"{far}INBOX")
    mailutil.run("copy", f"{far}INBOX", f"{far}Copied", log_ins=2)
    mailutil.run("create", f"{far}Back")
    mailutil.run("append", f"{far}Copied", f"{far}Back", log_ins=2)
    mailutil.run("rename", f"{far}Back", f"{far}Returned")
    told = mailutil.run("prune", f"{far}INBOX", 'subject "no. 1"', expect=1)  # it always says so
    assert "2 message(s) purged" in told
    mailutil.run("move", f"{far}INBOX", f"{far}Moved", log_ins=2)
    mailutil.run("transfer", f"{far}Old/", f"{far}New/", log_ins=2)
    with anna.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"0"])
        assert wire.select("Moved") == ("OK", [b"9"])
        assert wire.search(None, "FLAGGED") == ("OK", [b"9"])
        assert wire.select("Returned") == ("OK", [b"11"])
        octets = contents(wire, "11")
        assert check_rich(octets)["Subject"] == SUBJECT
        assert "New/Old/First" in str(wire.list()) or "New/First" in str(wire.list())
    mailutil.run("delete", f"{far}Returned")
    with anna.imap() as wire:
        assert wire.select("Returned")[0] == "NO"
