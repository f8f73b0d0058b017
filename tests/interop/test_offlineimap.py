"""OfflineIMAP: an account and Maildirs kept the same, with changes on both sides, over TLS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.letters import SUBJECT, check_rich, rich
from tests.interop.maildir import Maildir, far_flags
from tests.interop.program import certificate, home, run_both
from tests.system.user import User, letter

CONFIGURATION = """\
[general]
accounts = here
metadata = {folder}/state
maxsyncaccounts = 1
ui = basic

[Account here]
localrepository = near
remoterepository = far
utf8foldernames = yes

[Repository near]
type = Maildir
localfolders = {folder}/mail

[Repository far]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = {ssl}
starttls = {starttls}
sslcacertfile = {certificate}
usecompression = {compressed}
maxconnections = 2
expunge = yes
"""

#: imaplib2 reads and writes one TLS connection in two threads, which OpenSSL does not allow. After
#: STARTTLS its first command meets the tickets that TLS 1.3 sends behind the handshake, and both
#: may then wait for each other for ever; TLS 1.2 sends none there.
TLS_1_2 = """
openssl_conf = all
[all]
ssl_conf = programs
[programs]
system_default = limits
[limits]
MaxProtocol = TLSv1.2
"""

Sync = Callable[[], None]


@pytest.fixture(params=["imaps", "starttls", "compressed"])
def sync(anna: User, tmp_path: Path, request: pytest.FixtureRequest) -> Sync:
    """Run it once on all mailboxes; it must have met no BAD and no error."""
    tls = request.param != "starttls"
    path = tmp_path / "offlineimaprc"
    path.write_text(
        CONFIGURATION.format(
            folder=tmp_path,
            port=anna.server.port("imaps" if tls else "imap"),
            user=anna.address,
            password=anna.password,
            ssl="yes" if tls else "no",
            starttls="no" if tls else "yes",
            certificate=certificate(anna.server, tmp_path),
            compressed="yes" if request.param == "compressed" else "no",
        )
    )

    environment = home(tmp_path)
    if not tls:
        (tmp_path / "openssl.cnf").write_text(TLS_1_2)
        environment["OPENSSL_CONF"] = str(tmp_path / "openssl.cnf")

    def once() -> None:
        told, warned = run_both(
            "offlineimap", "-c", str(path), "-o", "-d", "imap", environment=environment
        )
        printed = told + warned
        for trouble in (" BAD ", "ERROR", "Traceback"):
            assert trouble not in printed, printed

    return once


def test_both_ways(anna: User, sync: Sync, tmp_path: Path) -> None:
    anna.fill(30)
    with anna.imap() as wire:
        wire.append("INBOX", "(\\Flagged)", "", rich(anna.address, "b@there.example").as_bytes())
        wire.create('"R&AOQ-ume/Archiv"')
    sync()
    inbox = Maildir(tmp_path / "mail" / "INBOX")
    assert len(inbox.files()) == 31
    check_rich(inbox.content(SUBJECT))
    assert inbox.flags()[SUBJECT] == "F"
    assert (tmp_path / "mail" / "Räume.Archiv" / "cur").is_dir()
    with anna.imap() as wire:
        wire.select("INBOX")
        wire.store("1:5", "+FLAGS", "(\\Seen)")
        wire.store("6", "+FLAGS", "(\\Deleted)")
        wire.expunge()
        inbox.mark("no. 10", "FS")
        inbox.files()["no. 11"].unlink()
        sync()
        flags = far_flags(wire)
        assert "no. 6" not in inbox.files()
        assert "no. 11" not in flags
        assert flags["no. 10"] == "FS"
        assert inbox.flags()["no. 3"] == flags["no. 3"] == "S"
        assert inbox.flags() == flags
        assert len(flags) == 29


def test_letters_made_on_the_near_side(anna: User, sync: Sync, tmp_path: Path) -> None:
    anna.fill(1)
    sync()
    sent = rich(anna.address, "b@there.example").as_bytes()
    Maildir(tmp_path / "mail" / "Drafts").add("1.near.example:2,D", sent)
    inbox = Maildir(tmp_path / "mail" / "INBOX")
    for number in range(5):
        inbox.add(f"{number}.near.example:2,S", letter(f"near {number}").as_bytes())
    Maildir(tmp_path / "mail" / "Pläne").add("2.near.example:2,", letter("plan").as_bytes())
    sync()
    with anna.imap() as wire:
        assert wire.select("Drafts") == ("OK", [b"1"])
        assert wire.search(None, "DRAFT") == ("OK", [b"1"])
        assert wire.select('"Pl&AOQ-ne"') == ("OK", [b"1"])
        assert wire.select("INBOX") == ("OK", [b"6"])
        assert far_flags(wire)["near 4"] == "S"
    sync()
    assert len(inbox.files()) == 6
