"""Other people's clients log in by SCRAM, CRAM-MD5, APOP, a certificate and a token."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts.tokens import AUDIENCE, ISSUER, jwk_set, token
from tests.interop.program import certificate, run
from tests.system.server import Server
from tests.system.test_log_in import ANN, OLD, PASSWORD, make_certificates


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("house") / "data"
    data.mkdir()
    make_certificates(data)
    (data / "posthouse.toml").write_text("[passwords]\nmemory = 64\npasses = 1\n")
    (data / "keys.json").write_text(json.dumps(jwk_set()))
    settings = {
        "tls.client_authorities": "authority.pem",
        "tokens.issuer": ISSUER,
        "tokens.audience": AUDIENCE,
        "tokens.keys": "keys.json",
    }
    with Server(workers=1, settings=settings, data=data) as running:
        running.add_account(ANN, PASSWORD)
        running.run(
            "account", "add", OLD, "--legacy-auth", "--password-stdin", given=f"{PASSWORD}\n"
        )
        yield running


def curl(house: Server, service: str, *options: str, expect: int = 0) -> str:
    kind = service.removesuffix("s") if service.startswith("sub") else service
    scheme = {"submission": "smtps" if service.endswith("s") else "smtp"}.get(kind, service)
    place = f"{scheme}://127.0.0.1:{house.port(service)}/"
    sent = ("--mail-from", OLD, "--mail-rcpt", ANN, "--upload-file", "-")
    more = sent if kind == "submission" else ()
    letter = "Subject: by curl\r\n\r\ntext\r\n"
    quiet = ("--silent", "--show-error", "--cacert", str(house.data / "certificate.pem"))
    return run("curl", *quiet, place, *more, *options, given=letter, expect=expect)


@pytest.mark.parametrize("service", ["imap", "imaps", "pop3", "submission", "submissions"])
def test_cram_md5_by_curl(house: Server, service: str) -> None:
    option = ("--login-options", "AUTH=CRAM-MD5")
    curl(house, service, "--user", f"{OLD}:{PASSWORD}", *option)
    curl(house, service, "--user", f"{OLD}:no", *option, expect=67)


def test_apop_by_curl(house: Server) -> None:
    option = ("--login-options", "AUTH=+APOP")
    curl(house, "pop3", "--user", f"{OLD}:{PASSWORD}", *option)
    curl(house, "pop3", "--user", f"{ANN}:{PASSWORD}", *option, expect=67)


@pytest.mark.parametrize("service", ["imaps", "pop3s", "submissions"])
@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_tokens_by_curl(house: Server, service: str, mechanism: str) -> None:
    now = int(time.time())
    options = ("--login-options", f"AUTH={mechanism}", "--user", OLD)
    good, late = (token(exp=now + s, email=OLD) for s in (600, -600))
    curl(house, service, *options, "--oauth2-bearer", good)
    curl(house, service, *options, "--oauth2-bearer", late, expect=67)


@pytest.mark.parametrize("service", ["imaps", "pop3s", "submissions"])
def test_certificate_by_curl(house: Server, service: str) -> None:
    shown = ("--cert", str(house.data / "ann.pem"))
    options = ("--login-options", "AUTH=EXTERNAL", "--user", f"{ANN}:")
    mine = ("--mail-from", ANN) if service == "submissions" else ()
    curl(house, service, *shown, *options, *mine)


@pytest.mark.parametrize(
    ("service", "security"), [("submission", "--tls"), ("submissions", "--tls-on-connect")]
)
def test_cram_md5_by_swaks(house: Server, service: str, security: str) -> None:
    place = ("--server", "127.0.0.1", "--port", str(house.port(service)), security)
    who = ("--auth", "CRAM-MD5", "--auth-user", OLD, "--auth-password", PASSWORD)
    told = run("swaks", *place, *who, "--from", OLD, "--to", ANN)
    assert "235 2.7.0" in told


@pytest.mark.parametrize(
    ("mechanism", "user"),
    [("SCRAM-SHA-256", ANN), ("SCRAM-SHA-1", OLD), ("CRAM-MD5", OLD)],
)
def test_mbsync(house: Server, tmp_path: Path, mechanism: str, user: str) -> None:
    """With the mechanisms of Cyrus SASL."""
    (tmp_path / "mail").mkdir()
    path = tmp_path / "mbsyncrc"
    path.write_text(
        f"""\
IMAPAccount here
Host 127.0.0.1
Port {house.port("imaps")}
User {user}
Pass "{PASSWORD}"
SSLType IMAPS
CertificateFile {certificate(house, tmp_path)}
AuthMechs {mechanism}

IMAPStore far
Account here

MaildirStore near
Path {tmp_path}/mail/
Inbox {tmp_path}/mail/INBOX

Channel all
Far :far:
Near :near:
Create Near
SyncState *
"""
    )
    run("mbsync", "--config", str(path), "all")
    assert f"by={mechanism}" in house.log()
