"""msmtp and mpop: letters sent by submission and LMTP, fetched by POP3; TLS is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.letters import SUBJECT, check_rich, rich
from tests.interop.maildir import Maildir
from tests.interop.program import certificate, fingerprint, home, run
from tests.system.user import User

TLS = {"submission": "on", "submissions": "off", "pop3": "on", "pop3s": "off"}  # by STARTTLS


def settings(user: User, folder: Path, service: str, trust: str) -> list[str]:
    trusted = {
        "authority": f"tls_trust_file {certificate(user.server, folder)}",
        "fingerprint": f"tls_trust_file\ntls_fingerprint {fingerprint(user.server, 'sha256')}",
    }
    return [
        "account default",
        "host localhost",
        f"port {user.server.port(service)}",
        "tls on",
        f"tls_starttls {TLS[service]}",
        trusted[trust],
        f"user {user.address}",
        f'password "{user.password}"',
        "timeout 20",
    ]


def write(path: Path, lines: list[str]) -> str:
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return f"--file={path}"


@pytest.mark.parametrize("trust", ["authority", "fingerprint"])
@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256"])
@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_submission(
    anna: User, boris: User, tmp_path: Path, service: str, mechanism: str, trust: str
) -> None:
    lines = [
        *settings(anna, tmp_path, service, trust),
        f"auth {mechanism}",
        f"from {anna.address}",
    ]
    path = write(tmp_path / "msmtprc", lines)
    letter = rich(anna.address, boris.address).as_bytes()
    run("msmtp", path, "--read-recipients", given=letter, environment=home(tmp_path))
    (octets,) = boris.messages(1)
    check_rich(octets)
    assert b"with ESMTPSA" in octets


def test_what_the_server_offers(anna: User, tmp_path: Path) -> None:
    path = write(tmp_path / "msmtprc", settings(anna, tmp_path, "submission", "authority"))
    told = run("msmtp", path, "--serverinfo", environment=home(tmp_path))
    for word in ("PIPELINING", "STARTTLS", "AUTH", "SCRAM-SHA-256", "PLAIN", "SIZE"):
        assert word in told


def test_unknown_certificate_and_refusals(anna: User, tmp_path: Path) -> None:
    good = [*settings(anna, tmp_path, "submissions", "authority"), f"from {anna.address}"]
    strange = [line for line in good if "trust" not in line]
    path = write(tmp_path / "msmtprc", [*strange, "auth plain"])
    run("msmtp", path, anna.address, given="S: s\n\n", environment=home(tmp_path), expect=69)
    path = write(tmp_path / "msmtprc", [*good, "auth plain", "password wrong"])
    run("msmtp", path, anna.address, given="S: s\n\n", environment=home(tmp_path), expect=77)
    path = write(tmp_path / "msmtprc", [*good, "auth plain"])
    nobody = "nobody-here@localhost"
    run("msmtp", path, nobody, given="S: s\n\n", environment=home(tmp_path), expect=65)


def test_lmtp(anna: User, tmp_path: Path) -> None:
    lines = ["account default", "host localhost", f"port {anna.server.port('lmtp')}"]
    path = write(tmp_path / "msmtprc", [*lines, "protocol lmtp", "from a@sender.example"])
    letter = rich("a@sender.example", anna.address).as_bytes()
    run("msmtp", path, anna.address, given=letter, environment=home(tmp_path))
    check_rich(anna.messages(1)[0])


@pytest.mark.parametrize("trust", ["authority", "fingerprint"])
@pytest.mark.parametrize("mechanism", ["user", "plain", "scram-sha-256"])
@pytest.mark.parametrize("service", ["pop3", "pop3s"])
def test_pop3(anna: User, tmp_path: Path, service: str, mechanism: str, trust: str) -> None:
    anna.fill(9)
    with anna.imap() as wire:
        wire.append("INBOX", "", "", rich("b@there.example", anna.address).as_bytes())
    mail = Maildir(tmp_path / "mail")
    for name in ("cur", "new", "tmp"):
        (mail.path / name).mkdir(parents=True)
    lines = [
        *settings(anna, tmp_path, service, trust),
        f"auth {mechanism}",
        f"delivery maildir {mail.path}",
        f"uidls_file {tmp_path}/uidls",
        "keep on",
        "received_header off",
    ]
    path = write(tmp_path / "mpoprc", lines)
    run("mpop", path, environment=home(tmp_path))
    assert len(mail.files()) == 10
    check_rich(mail.content(SUBJECT))
    anna.fill(1)
    path = write(tmp_path / "mpoprc", [*lines, "keep off"])
    run("mpop", path, environment=home(tmp_path))
    assert len([*mail.path.glob("new/*")]) == 11
    with anna.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"0"])
