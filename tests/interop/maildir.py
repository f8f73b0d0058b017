"""Letters on both sides of a program that keeps them the same."""

from __future__ import annotations

import email
import imaplib
from email import policy
from functools import lru_cache
from pathlib import Path

LETTERS = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F", "\\Draft": "D", "\\Deleted": "T"}


class Maildir:
    """What lies in one folder on the near side."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> dict[str, Path]:
        """The files by their subject."""
        paths = (*self.path.glob("cur/*"), *self.path.glob("new/*"))
        return {_subject(path.read_bytes()): path for path in paths}

    def content(self, subject: str) -> bytes:
        """A letter with the line ends of mail."""
        octets = self.files()[subject].read_bytes()
        return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def flags(self) -> dict[str, str]:
        return {
            subject: "".join(sorted(path.name.partition(":2,")[2]))
            for subject, path in self.files().items()
        }

    def mark(self, subject: str, flags: str) -> None:
        path = self.files()[subject]
        path.rename(self.path / "cur" / f"{path.name.partition(':')[0]}:2,{flags}")

    def add(self, name: str, octets: bytes) -> None:
        for folder in ("cur", "new", "tmp"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        (self.path / "cur" / name).write_bytes(octets.replace(b"\r\n", b"\n"))


def far_flags(client: imaplib.IMAP4) -> dict[str, str]:
    """The flags of the messages on the server, as Maildir's letters, by their subject."""
    client.noop()
    status, data = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    assert status == "OK"
    found = {}
    for item in data:
        if isinstance(item, tuple):
            flags = {flag.decode() for flag in imaplib.ParseFlags(item[0])}
            found[_subject(item[1])] = "".join(
                sorted(LETTERS[flag] for flag in flags & LETTERS.keys())
            )
    return found


@lru_cache(1000)
def _subject(octets: bytes) -> str:
    header = octets.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return str(email.message_from_bytes(header, policy=policy.default)["Subject"])
