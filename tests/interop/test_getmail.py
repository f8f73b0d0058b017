"""getmail: letters fetched by POP3 and by IMAP into a Maildir, over TLS with a checked name."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.letters import SUBJECT, check_rich, rich
from tests.interop.maildir import Maildir
from tests.interop.program import PATIENCE, certificate, home, need, run
from tests.system.user import User, letter, until

CONFIGURATION = """\
[retriever]
type = {kind}Retriever
server = localhost
port = {port}
username = {user}
password = {password}
ca_certs = {certificate}
ssl_cert_hostname = localhost
{more}

[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > {folder}/mail/tmp/$$ && mv {folder}/mail/tmp/$$ {folder}/mail/new/$$")
allow_root_commands = true

[options]
delete = {delete}
read_all = false
delivered_to = false
received = false
verbose = 2
"""

Configure = Callable[..., tuple[str, ...]]


@pytest.fixture
def configure(anna: User, tmp_path: Path) -> Configure:
    """Write its settings; the command."""
    for name in ("cur", "new", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    (tmp_path / "getmail").mkdir()

    def write(kind: str, service: str, *, delete: bool = False, more: str = "") -> tuple[str, ...]:
        (tmp_path / "getmail" / "getmailrc").write_text(
            CONFIGURATION.format(
                kind=kind,
                port=anna.server.port(service),
                user=anna.address,
                password=anna.password,
                certificate=certificate(anna.server, tmp_path),
                more=more,
                folder=tmp_path,
                delete=str(delete).lower(),
            )
        )
        return ("getmail", "--getmaildir", str(tmp_path / "getmail"))

    return write


@pytest.mark.parametrize(
    ("kind", "service", "more"),
    [
        ("SimplePOP3SSL", "pop3s", ""),
        ("SimpleIMAPSSL", "imaps", ""),
        ("SimpleIMAPSSL", "imaps", 'mailboxes = ("INBOX", "Archive")\nmove_on_delete = Trash'),
    ],
)
def test_fetched_once_then_deleted(
    anna: User, configure: Configure, tmp_path: Path, kind: str, service: str, more: str
) -> None:
    anna.fill(20)
    with anna.imap() as wire:
        wire.append("INBOX", "", "", rich(anna.address, "b@there.example").as_bytes())
    mail = Maildir(tmp_path / "mail")
    command = configure(kind, service, more=more)
    run(*command, environment=home(tmp_path))
    assert len(mail.files()) == 21
    check_rich(mail.content(SUBJECT))
    again = run(*command, environment=home(tmp_path))
    assert "0 messages (0 bytes) retrieved" in again
    with anna.imap() as wire:
        wire.append("INBOX", "", "", letter("late").as_bytes())
    run(*configure(kind, service, delete=True, more=more), environment=home(tmp_path))
    assert len(mail.files()) == 22
    with anna.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"0"])
        assert wire.select("Trash") == ("OK", [b"22" if "Trash" in more else b"0"])


def test_told_of_new_letters(anna: User, configure: Configure, tmp_path: Path) -> None:
    """It waits in IDLE, and fetches what comes; what came while it asked for IDLE it overlooks."""
    command = configure("SimpleIMAPSSL", "imaps")
    mail = Maildir(tmp_path / "mail")

    def said_so() -> int:
        return (tmp_path / "said").read_text().count("Entering IDLE mode (server")

    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [need(command[0]), *command[1:], "--trace", "--idle", "INBOX"],
            stdout=said,
            stderr=said,
            env=home(tmp_path, PYTHONUNBUFFERED="1"),
            start_new_session=True,
        )
        try:
            for number in range(1, 4):
                until(lambda: said_so() == number, "IDLE of getmail")  # noqa: B023
                with anna.imap() as wire:
                    wire.append("INBOX", "", "", letter(f"new {number}").as_bytes())
                until(lambda: len(mail.files()) == number, (tmp_path / "said").read_text())  # noqa: B023
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
