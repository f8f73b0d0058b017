"""mbsync (isync): a mailbox and a Maildir kept the same, with changes on both sides."""

from __future__ import annotations

import imaplib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.program import certificate, run
from tests.system.server import Server
from tests.system.user import User, letter, until

COUNT = 200
LETTERS = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F", "\\Draft": "D", "\\Deleted": "T"}

CONFIGURATION = """\
IMAPAccount here
Host 127.0.0.1
Port {port}
User {user}
Pass "{password}"
SSLType {security}
CertificateFile {certificate}
{mechanism}

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


@pytest.fixture(params=["None", "STARTTLS", "IMAPS"])
def security(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sync(server: Server, anna: User, tmp_path: Path, security: str) -> Sync:
    """Run mbsync once on all mailboxes."""
    (tmp_path / "mail").mkdir()
    path = tmp_path / "mbsyncrc"
    path.write_text(
        CONFIGURATION.format(
            port=server.port("imaps" if security == "IMAPS" else "imap"),
            user=anna.address,
            password=anna.password,
            security=security,
            certificate=certificate(server, tmp_path),
            mechanism="AuthMechs LOGIN" if security == "None" else "",
            folder=tmp_path,
        )
    )
    return lambda: print(run("mbsync", "--config", str(path), "--all"))


class Maildir:
    """What lies in one folder on the near side."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> dict[str, Path]:
        """The files by their subject."""
        found = {}
        for path in (*self.path.glob("cur/*"), *self.path.glob("new/*")):
            (subject,) = (
                line for line in path.read_bytes().splitlines() if line.startswith(b"Subject: ")
            )
            found[subject[9:].decode()] = path
        return found

    def flags(self) -> dict[str, str]:
        return {
            subject: "".join(sorted(path.name.partition(":2,")[2]))
            for subject, path in self.files().items()
        }

    def mark(self, subject: str, flags: str) -> None:
        path = self.files()[subject]
        path.rename(self.path / "cur" / f"{path.name.partition(':')[0]}:2,{flags}")


def far_flags(client: imaplib.IMAP4) -> dict[str, str]:
    """The flags of the messages on the server, as Maildir's letters, by their subject."""
    client.noop()
    status, data = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    assert status == "OK"
    found = {}
    for item in data:
        if isinstance(item, tuple):
            flags = {flag.decode() for flag in imaplib.ParseFlags(item[0])}
            subject = item[1].strip().removeprefix(b"Subject: ").decode()
            found[subject] = "".join(sorted(LETTERS[flag] for flag in flags & LETTERS.keys()))
    return found


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
    sync()
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
        assert far.select() == ("OK", [b"23"])
        flags = far_flags(far)
        assert [flags[f"near {number}"] for number in range(20)] == ["F"] * 20
        assert far.select("Projects") == ("OK", [b"1"])
    sync()
    assert len(inbox.files()) == 23
    assert len(projects.files()) == 1
