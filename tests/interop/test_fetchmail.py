"""fetchmail: letters fetched by POP3 and IMAP and handed on by SMTP and LMTP, over checked TLS."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.interop.letters import check_rich, rich
from tests.interop.program import PATIENCE, certificate, fingerprint, home, need, run_both
from tests.system.user import User, letter, until

NOTHING_NEW = 1  # fetchmail's exit status


class Fetchmail:
    """Fetches one account's letters and gives them to another's."""

    def __init__(self, source: User, target: User, folder: Path) -> None:
        self.source = source
        self.target = target
        self.folder = folder
        self.settings = folder / "fetchmailrc"

    def configure(self, service: str, protocol: str, *options: str, by: str = "smtp") -> None:
        server = self.source.server
        tls = (
            "ssl" if service.endswith("s") else "sslproto tls1.2+"  # by STARTTLS or STLS
        )
        place = f"localhost/{server.port(by)}"
        hand_over = f"lmtp smtphost {place}" if by == "lmtp" else f"smtphost {place}"
        lines = (
            f"poll localhost protocol {protocol} service {server.port(service)} uidl"
            if protocol.startswith("pop")
            else f"poll localhost protocol {protocol} service {server.port(service)}",
            f'  user "{self.source.address}" password "{self.source.password}"',
            f'  smtpname "{self.target.address}" {hand_over}',
            f'  {tls} sslcertck sslcertfile "{certificate(server, self.folder)}"',
            f'  sslfingerprint "{fingerprint(server, "md5")}"',
            *(f"  {option}" for option in options),
        )
        self.settings.write_text("\n".join(lines) + "\n")
        self.settings.chmod(0o600)

    @property
    def command(self) -> tuple[str, ...]:
        return ("fetchmail", "--fetchmailrc", str(self.settings), "--nosyslog", "-v", "-v")

    def fetch(self, expect: int = 0) -> None:
        printed, _warned = run_both(*self.command, environment=self.environment, expect=expect)
        for trouble in (" BAD ", "-ERR", "protocol error", "not understood"):
            assert trouble not in printed, printed

    @property
    def environment(self) -> dict[str, str]:
        return home(self.folder, FETCHMAILHOME=str(self.folder))


@pytest.fixture
def fetchmail(anna: User, boris: User, tmp_path: Path) -> Fetchmail:
    return Fetchmail(anna, boris, tmp_path)


@pytest.mark.parametrize("by", ["smtp", "lmtp"])
@pytest.mark.parametrize(
    ("service", "protocol"),
    [("pop3", "pop3"), ("pop3s", "pop3"), ("imap", "imap"), ("imaps", "imap")],
)
def test_fetched_and_handed_on(fetchmail: Fetchmail, service: str, protocol: str, by: str) -> None:
    source, target = fetchmail.source, fetchmail.target
    source.fill(5)
    with source.imap() as wire:
        wire.append("INBOX", "", "", rich("b@there.example", source.address).as_bytes())
    fetchmail.configure(service, protocol, by=by)
    fetchmail.fetch()
    arrived = target.messages(6)
    assert len(arrived) == 6
    check_rich(arrived[5])
    fetchmail.fetch(expect=NOTHING_NEW)
    with source.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"0"])


@pytest.mark.parametrize(("service", "protocol"), [("pop3s", "pop3"), ("imaps", "imap")])
def test_kept(fetchmail: Fetchmail, service: str, protocol: str) -> None:
    """What is left on the server is fetched once."""
    fetchmail.source.fill(3)
    fetchmail.configure(service, protocol, "keep")
    fetchmail.fetch()
    fetchmail.fetch(expect=NOTHING_NEW)
    fetchmail.source.fill(1)
    fetchmail.fetch()
    assert len(fetchmail.target.messages(4)) == 4
    assert len(fetchmail.source.messages(4)) == 4


def test_a_folder_and_headers_first(fetchmail: Fetchmail) -> None:
    fetchmail.source.fill(3, "Archive")
    fetchmail.configure(
        "imaps", "imap", 'folder "Archive"', "fetchall", "fetchlimit 2", "expunge 1"
    )
    fetchmail.fetch(expect=13)  # there are more than it may fetch
    fetchmail.fetch()
    assert len(fetchmail.target.messages(3)) == 3


def test_idle(fetchmail: Fetchmail, tmp_path: Path) -> None:
    fetchmail.configure("imaps", "imap", "idle", "keep")
    command = fetchmail.command
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [need(command[0]), *command[1:]],
            stdout=said,
            stderr=said,
            env=fetchmail.environment,
            start_new_session=True,
        )
        try:
            until(lambda: "+ idling" in (tmp_path / "said").read_text(), "IDLE of fetchmail")
            for number in range(1, 4):
                with fetchmail.source.imap() as wire:
                    wire.append("INBOX", "", "", letter(f"new {number}").as_bytes())
                assert len(fetchmail.target.messages(number)) == number
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(PATIENCE)
    said_text = (tmp_path / "said").read_text()
    assert " BAD " not in said_text, said_text
