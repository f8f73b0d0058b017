"""mbsync (isync): a mailbox and a Maildir kept the same, with changes on both sides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.letters import SUBJECT, check_rich, rich
from tests.interop.maildir import Maildir, far_flags
from tests.interop.program import certificate, run
from tests.system.server import Server
from tests.system.user import User, letter, until

COUNT = 200

CONFIGURATION = """\
IMAPAccount here
Host 127.0.0.1
Port {port}
User {user}
Pass "{password}"
SSLType {security}
CertificateFile {certificate}
{more}

IMAPStore far
Account here

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
"""

Sync = Callable[[], None]


#: All that it knows beside RFC 3501; it has no CONDSTORE.
EXTENSIONS = "COMPRESS=DEFLATE LITERAL+ MOVE NAMESPACE SASL-IR UIDPLUS"
WAYS = {
    "plain": ("None", "AuthMechs LOGIN"),
    "STARTTLS": ("STARTTLS", ""),
    "IMAPS": ("IMAPS", ""),
    "without extensions": ("IMAPS", f"DisableExtensions {EXTENSIONS}"),
}


@pytest.fixture(params=WAYS)
def sync(server: Server, anna: User, tmp_path: Path, request: pytest.FixtureRequest) -> Sync:
    """Run mbsync once on all mailboxes."""
    security, more = WAYS[request.param]
    (tmp_path / "mail").mkdir()
    path = tmp_path / "mbsyncrc"
    path.write_text(
        CONFIGURATION.format(
            port=server.port("imaps" if security == "IMAPS" else "imap"),
            user=anna.address,
            password=anna.password,
            security=security,
            certificate=certificate(server, tmp_path),
            more=more,
            folder=tmp_path,
        )
    )

    def once() -> None:
        told = run("mbsync", "--config", str(path), "--all", "--debug-net")
        assert "BAD " not in told, told

    return once


def test_both_ways(anna: User, sync: Sync, tmp_path: Path) -> None:
    anna.fill(COUNT)
    inbox = Maildir(tmp_path / "mail" / "INBOX")
    subjects = {f"no. {number}" for number in range(1, COUNT + 1)}

    sync()
    assert inbox.files().keys() == subjects
    assert (tmp_path / "mail" / "Sent" / "cur").is_dir()

    with anna.imap() as far:
        far.select()
        far.store("1:50", "+FLAGS", "(\\Seen)")
        far.store("20:30", "+FLAGS", "(\\Flagged \\Answered)")
        for number in range(101, 151):
            inbox.mark(f"no. {number}", "S")
        for number in range(151, 161):
            inbox.mark(f"no. {number}", "FRS")
        sync()
        wanted = dict.fromkeys(subjects, "")
        wanted |= {f"no. {number}": "S" for number in (*range(1, 51), *range(101, 151))}
        wanted |= {f"no. {number}": "FRS" for number in (*range(20, 31), *range(151, 161))}
        assert inbox.flags() == wanted
        assert far_flags(far) == wanted

        far.store("1:10", "+FLAGS", "(\\Deleted)")
        for number in range(11, 21):
            inbox.mark(f"no. {number}", "ST")
        sync()
        gone = {f"no. {number}" for number in range(1, 21)}
        assert inbox.files().keys() == subjects - gone
        until(lambda: far_flags(far).keys() == subjects - gone, "the EXPUNGEs")


def test_letters_made_on_the_near_side(anna: User, sync: Sync, tmp_path: Path) -> None:
    anna.fill(3)
    sent = rich(anna.address, "b@there.example").as_bytes()
    with anna.imap() as far:
        far.append("INBOX", "(\\Seen)", "", sent)
    sync()
    check_rich(Maildir(tmp_path / "mail" / "INBOX").content(SUBJECT))
    inbox = Maildir(tmp_path / "mail" / "INBOX")
    for number in range(20):
        content = letter(f"near {number}").as_bytes().replace(b"\r\n", b"\n")
        (inbox.path / "cur" / f"{number}.near.example:2,F").write_bytes(content)
    projects = Maildir(tmp_path / "mail" / "Projects")
    for name in ("cur", "new", "tmp"):
        (projects.path / name).mkdir(parents=True)
    (projects.path / "new" / "1.near.example").write_bytes(b"Subject: plan\n\nText.\n")
    sync()
    with anna.imap() as far:
        assert far.select() == ("OK", [b"24"])
        flags = far_flags(far)
        assert [flags[f"near {number}"] for number in range(20)] == ["F"] * 20
        assert far.select("Projects") == ("OK", [b"1"])
    sync()
    assert len(inbox.files()) == 24
    assert len(projects.files()) == 1
