"""curl's mail protocols: smtp, smtps, pop3, pop3s, imap, imaps, and STARTTLS in each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.program import run
from tests.system.server import Server
from tests.system.user import User, letter

STARTTLS = ("--ssl-reqd",)
SECURITY = {"": (), "starttls": STARTTLS}


def curl(
    server: Server,
    user: User | None,
    url: str,
    *options: str,
    given: bytes = b"",
    expect: int = 0,
) -> str:
    """Run it; it trusts the server's certificate, and no other."""
    log_in = ("--user", f"{user.address}:{user.password}") if user else ()
    trusted = ("--cacert", str(server.data / "certificate.pem"))
    quiet = ("--silent", "--show-error")
    return run("curl", *quiet, *trusted, *log_in, *options, url, given=given, expect=expect)


def url(server: Server, service: str, path: str = "") -> str:
    scheme = service.replace("submission", "smtp")
    return f"{scheme}://127.0.0.1:{server.port(service)}/{path}"


def sending(sender: str, recipient: str) -> tuple[str, ...]:
    return ("--mail-from", sender, "--mail-rcpt", recipient, "--upload-file", "-")


# -- smtp -------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", SECURITY)
def test_smtp(server: Server, anna: User, security: str) -> None:
    curl(
        server,
        None,
        url(server, "smtp", "client.example"),
        *SECURITY[security],
        *sending("a@sender.example", anna.address),
        given=letter("by curl").as_bytes(),
    )
    assert b"Subject: by curl" in anna.messages(1)[0]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(
    ("service", "security"),
    [("submission", ()), ("submission", STARTTLS), ("submissions", ())],
)
def test_submission(
    server: Server, anna: User, boris: User, service: str, security: tuple[str, ...], mechanism: str
) -> None:
    curl(
        server,
        anna,
        url(server, service, "client.example"),
        *security,
        "--login-options",
        f"AUTH={mechanism}",
        *sending(anna.address, boris.address),
        given=letter("by curl").as_bytes(),
    )
    assert b"Subject: by curl" in boris.messages(1)[0]


def test_smtp_refusals(server: Server, anna: User) -> None:
    nobody = sending("a@sender.example", "nobody-here@localhost")
    curl(server, None, url(server, "smtp"), *nobody, given=b"Subject: s\r\n\r\n", expect=55)
    wrong = User(server, anna.address, "not this one")
    mine = sending(anna.address, anna.address)
    curl(
        server, wrong, url(server, "submission"), *STARTTLS, *mine, given=b"S: s\r\n\r\n", expect=67
    )


def test_smtp_verify_and_help(server: Server, anna: User) -> None:
    curl(server, None, url(server, "smtp"), "--request", "HELP")
    curl(server, None, url(server, "smtp"), "--mail-rcpt", anna.address)


# -- pop3 -------------------------------------------------------------------------------------

POP3 = [("pop3", ()), ("pop3", STARTTLS), ("pop3s", ())]


@pytest.mark.parametrize(("service", "security"), POP3)
def test_pop3(server: Server, anna: User, service: str, security: tuple[str, ...]) -> None:
    anna.fill(3)
    listing = curl(server, anna, url(server, service), *security)
    assert [line.split()[0] for line in listing.splitlines()] == ["1", "2", "3"]
    content = curl(server, anna, url(server, service, "2"), *security)
    assert content.startswith("From: Somebody <somebody@sender.example>\r\n")
    assert "Subject: no. 2\r\n" in content
    assert len(curl(server, anna, url(server, service), *security, "-X", "UIDL").splitlines()) == 3
    top = curl(server, anna, url(server, service), *security, "-X", "TOP 3 0")
    assert "Subject: no. 3" in top
    curl(server, anna, url(server, service, "1"), *security, "--list-only", "-X", "DELE")
    assert len(curl(server, anna, url(server, service), *security).splitlines()) == 2


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_pop3_auth(server: Server, anna: User, mechanism: str) -> None:
    anna.fill(1)
    option = ("--login-options", f"AUTH={mechanism}")
    assert curl(server, anna, url(server, "pop3s"), *option).startswith("1 ")


def test_pop3_wrong_password(server: Server, anna: User) -> None:
    curl(server, User(server, anna.address, "not this one"), url(server, "pop3"), expect=67)


# -- imap -------------------------------------------------------------------------------------

IMAP = [("imap", ()), ("imap", STARTTLS), ("imaps", ())]


@pytest.mark.parametrize(("service", "security"), IMAP)
def test_imap(server: Server, anna: User, service: str, security: tuple[str, ...]) -> None:
    anna.fill(3)
    listing = curl(server, anna, url(server, service), *security)
    assert all(name in listing for name in ("INBOX", "Sent", "Drafts", "Trash"))
    content = curl(server, anna, url(server, service, "INBOX;UID=2"), *security)
    assert "Subject: no. 2" in content
    section = curl(server, anna, url(server, service, "INBOX;MAILINDEX=3;SECTION=TEXT"), *security)
    assert section.strip() == "The text."
    assert curl(server, anna, url(server, service, "INBOX?SEEN"), *security).split() == [
        "*",
        "SEARCH",
        "2",
        "3",
    ]
    status = curl(server, anna, url(server, service), *security, "-X", "STATUS INBOX (MESSAGES)")
    assert "MESSAGES 3" in status
    stored = curl(
        server, anna, url(server, service, "INBOX"), *security, "-X", "STORE 1 +FLAGS (\\Flagged)"
    )
    assert "\\Flagged" in stored


def test_imap_append(server: Server, anna: User, tmp_path: Path) -> None:
    content = letter("appended by curl").as_bytes()
    (tmp_path / "letter").write_bytes(content)
    curl(server, anna, url(server, "imap", "INBOX"), "--upload-file", str(tmp_path / "letter"))
    assert anna.messages(1) == [content]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("initial", [True, False])
def test_imap_auth(server: Server, anna: User, mechanism: str, initial: bool) -> None:
    options = ("--login-options", f"AUTH={mechanism}", *(("--sasl-ir",) if initial else ()))
    assert "INBOX" in curl(server, anna, url(server, "imaps"), *options)


def test_imap_wrong_password(server: Server, anna: User) -> None:
    curl(server, User(server, anna.address, "not this one"), url(server, "imap"), expect=67)
