"""pymap, an IMAP server in Python, with its Maildir backend, from an environment of its own."""

from __future__ import annotations

import importlib.metadata
import subprocess
from pathlib import Path

from bench.peers import PASSWORD, Missing, Peer, free_ports
from bench.peers.readers import READERS

PLACE = Path("/opt/pymap")
_HASH = "from pysasl.hashing import BuiltinHash; print(BuiltinHash(rounds=1).hash(input()))"


def _version() -> str:
    places = [str(place) for place in PLACE.glob("lib/python3*/site-packages")]
    found = importlib.metadata.distributions(name="pymap", path=places) if places else ()
    return next((each.version for each in found), "")


class Pymap(Peer):
    """One process; it reads the files of a Maildir for each command that looks into messages."""

    name = "pymap"
    version = _version()
    settings = (
        "maildir backend",
        "passwords: PBKDF2 of one round",
        "in mailboxes of 1,000 alone: it takes 3 to 10 ms for each message; no SORT, no THREAD",
    )
    fillers = 1  # of letters that several append at once some come twice

    def prepare(self) -> list[str]:
        program = PLACE / "bin" / "pymap"
        if not program.exists():
            raise Missing("pymap is not there: python -m bench.install")
        mail = self.folder / "mail"
        mail.mkdir(exist_ok=True)
        self._add_users(mail)
        self.ports = {"imap": free_ports(1)[0]}
        where = ("--host", "127.0.0.1", "--port", str(self.ports["imap"]), "--no-tls")
        return [str(program), *where, "maildir", str(mail)]

    def _add_users(self, mail: Path) -> None:
        """Its files are in the form of passwd(5) and shadow(5)."""
        command = [str(PLACE / "bin" / "python"), "-c", _HASH]
        done = subprocess.run(command, input=PASSWORD, capture_output=True, text=True, check=True)
        known = "".join(f"{user}:x::::{user}:\r\n" for user in READERS)
        (mail / "pymap-etc-passwd").write_text(known, newline="")
        secrets = "".join(f"{user}:{done.stdout.strip()}:::::::\r\n" for user in READERS)
        (mail / "pymap-etc-shadow").write_text(secrets, newline="")
