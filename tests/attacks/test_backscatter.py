"""Strangers who are told of what they have not sent; files that others may open."""

from __future__ import annotations

import smtplib

import pytest

from tests.attacks.conftest import PATIENCE
from tests.system.server import Server
from tests.system.user import User, until

FORGED = "anna@localhost"  # has an INBOX here, so that a report would be seen
NOBODIES = ("nobody@localhost", "nobody+x@localhost", "nobody@elsewhere.example", "@localhost")


@pytest.mark.parametrize("service", ["smtp", "lmtp"])
def test_attack_48_who_is_not_here_is_refused_at_once(server: Server, service: str) -> None:
    """While the one who brings it is there to hear it: nobody is told of it afterwards."""
    known = "boris@localhost"
    client = smtplib.LMTP if service == "lmtp" else smtplib.SMTP
    with client(*server.address(service), timeout=PATIENCE) as wire:
        wire.ehlo()
        wire.docmd(f"MAIL FROM:<{FORGED}>")
        for nobody in NOBODIES:
            assert wire.docmd(f"RCPT TO:<{nobody}>")[0] >= 500
        assert wire.docmd(f"RCPT TO:<{known}>")[0] == 250
        assert wire.docmd("DATA")[0] == 354
        wire.send(b"Subject: x\r\n\r\ntext\r\n.\r\n")
        assert wire.getreply()[0] == 250
    until(lambda: "[]" in server.run("queue", "list", "--json"), "an empty queue")
    with User(server, FORGED, "secret").imap() as mailbox:
        assert mailbox.select("INBOX", readonly=True)[1] == [b"0"]


def test_attack_51_nobody_else_may_open_what_is_kept(server: Server) -> None:
    """Mail is its reader's: no bit for group and others, on any file, folder or socket."""
    open_to_others = [
        str(path.relative_to(server.data))
        for path in server.data.rglob("*")
        if path.suffix != ".import" and path.lstat().st_mode & 0o077
    ]
    assert open_to_others == []
    assert not [path for path in server.data.rglob("*") if path.is_symlink()]
