"""NeoMutt without a person: sends by submission, reads and changes by IMAP and POP3."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.interop.program import Terminal, certificate, home, run
from tests.system.net import Net, ann, until
from tests.system.server import Server
from tests.system.user import User, letter

SETTINGS = """\
set from = "{address}"
set use_from = yes
set envelope_from_address = "{address}"
set use_envelope_from = yes
set imap_user = "{address}"
set imap_pass = "{password}"
set pop_user = "{address}"
set pop_pass = "{password}"
set smtp_pass = "{password}"
set smtp_authenticators = "plain"
set pop_authenticators = "user"
set certificate_file = "{certificate}"
set ssl_starttls = yes
set ssl_force_tls = {tls}
set header_cache = ""
set folder = "{folder}"
set editor = "false"
set copy = no
set send_charset = "us-ascii:utf-8"
set mark_old = no
set delete = yes
set quit = yes
set confirm_append = no
set wait_key = no
set sleep_time = 0
"""


class Mutt:
    """NeoMutt as one account's program."""

    def __init__(self, user: User, folder: Path, *, tls: bool) -> None:
        self.user = user
        self.folder = folder
        self.settings = folder / "neomuttrc"
        self.settings.write_text(
            SETTINGS.format(
                address=user.address,
                password=user.password,
                certificate=certificate(user.server, folder),
                tls="yes" if tls else "no",
                folder=folder,
            )
        )

    def url(self, service: str, path: str = "") -> str:
        scheme = service.replace("submission", "smtp").replace("pop3", "pop")
        user = quote(self.user.address, safe="")
        return f"{scheme}://{user}@localhost:{self.user.server.port(service)}/{path}"

    def environment(self) -> dict[str, str]:
        return home(self.folder)

    def send(self, service: str, recipient: str, text: str, *options: str) -> None:
        run(
            "neomutt",
            "-n",
            "-F",
            str(self.settings),
            "-e",
            f'set smtp_url = "{self.url(service)}"',
            "-s",
            "by neomutt",
            *options,
            "--",
            recipient,
            given=text,
            environment=self.environment(),
        )

    def press(self, url: str, keys: str, *commands: str) -> None:
        """Open a mailbox on a terminal and give it keys; the last ones must end it."""
        typed = [argument for command in commands for argument in ("-e", command)]
        command = ["neomutt", "-n", "-F", str(self.settings), *typed]
        command += ["-e", f'push "{keys}"', "-f", url]
        Terminal(*command, environment=self.environment()).end()


@pytest.fixture(params=[True, False], ids=["tls", "plain"])
def mutt(anna: User, tmp_path: Path, request: pytest.FixtureRequest) -> Mutt:
    return Mutt(anna, tmp_path, tls=request.param)


def test_send(mutt: Mutt, boris: User) -> None:
    mutt.send("submission", boris.address, "Grüße aus dem Hafen.\n")
    (content,) = boris.messages(1)
    assert b"Subject: by neomutt" in content
    assert "Grüße aus dem Hafen.".encode() in content


def test_send_with_attachment(anna: User, boris: User, tmp_path: Path) -> None:
    attached = tmp_path / "picture.bin"
    attached.write_bytes(bytes(range(256)) * 100)
    mutt = Mutt(anna, tmp_path, tls=True)
    mutt.send("submissions", boris.address, "See the picture.\n", "-a", str(attached))
    assert b"multipart/mixed" in boris.messages(1)[0]


def test_read_mark_and_delete(mutt: Mutt, server: Server) -> None:
    user = mutt.user
    user.fill(3)
    saved = mutt.folder / "read"
    keys = (
        "<first-entry><flag-message><first-entry>"
        f"<pipe-message>cat > {saved}<enter>"
        "<last-entry><delete-message><sync-mailbox><quit>"
    )
    mutt.press(mutt.url("imap", "INBOX"), keys, "unset pipe_decode")
    assert b"Subject: no. 1" in saved.read_bytes()
    with user.imap() as client:
        assert client.select() == ("OK", [b"2"])
        assert client.search(None, "FLAGGED") == ("OK", [b"1"])


def test_copy_to_another_mailbox(mutt: Mutt) -> None:
    mutt.user.fill(2)
    keys = "<last-entry><copy-message>=Archive<enter><quit>"
    folder = f'set folder = "{mutt.url("imap")}"'
    mutt.press(mutt.url("imap", "INBOX"), keys, folder)
    with mutt.user.imap() as client:
        assert client.select("Archive") == ("OK", [b"1"])


def test_imaps(anna: User, tmp_path: Path) -> None:
    anna.fill(1)
    mutt = Mutt(anna, tmp_path, tls=True)
    mutt.press(mutt.url("imaps", "INBOX"), "<flag-message><quit>")
    with anna.imap() as client:
        client.select()
        assert client.search(None, "FLAGGED") == ("OK", [b"1"])


def test_pop3(mutt: Mutt) -> None:
    mutt.user.fill(2)
    saved = mutt.folder / "read"
    keys = f"<last-entry><pipe-message>cat > {saved}<enter><delete-message><quit>"
    mutt.press(mutt.url("pop3"), keys, "unset pipe_decode")
    assert b"Subject: no. 2" in saved.read_bytes()
    assert len(mutt.user.messages(1)) == 1


def test_a_letter_from_one_to_the_other(anna: User, boris: User, tmp_path: Path) -> None:
    for name in ("anna", "boris"):
        (tmp_path / name).mkdir()
    Mutt(anna, tmp_path / "anna", tls=True).send("submission", boris.address, "There.\n")
    boris.messages(1)
    saved = tmp_path / "read"
    reader = Mutt(boris, tmp_path / "boris", tls=True)
    reader.press(reader.url("imap", "INBOX"), f"<pipe-message>cat > {saved}<enter><quit>")
    assert b"There." in saved.read_bytes()
    with boris.imap() as client:
        client.append("Sent", "(\\Seen)", "", letter("kept").as_bytes())


def test_an_unknown_user_of_another_site_comes_back_as_a_report(tmp_path: Path) -> None:
    """The other site refuses the recipient; the sender reads why (RFC 3464)."""
    with Net() as net:
        there = net.site("there.example")
        sender = ann(net.site("here.example"), "here.example")
        mutt = Mutt(sender, tmp_path, tls=True)
        mutt.send("submission", "nobody@there.example", "For nobody at all.\n")
        until(lambda: sender.messages(0), there.log)
        shown, attached = tmp_path / "shown", tmp_path / "attached"
        mutt.press(
            mutt.url("imap", "INBOX"),
            f"<pipe-message>cat > {shown}<enter>"
            f"<view-attachments><last-entry><pipe-entry>cat > {attached}<enter><exit><quit>",
            "set pipe_decode",
        )
        text = " ".join(shown.read_text().split())
        assert "Subject: Not delivered: by neomutt" in text
        assert "nobody@there.example" in text
        assert "550 5.1.1 no such user here" in text
        assert "Status: 5.1.1" in text
        assert "Remote-MTA: dns; mx.there.example" in text
        assert attached.read_text() == "For nobody at all.\n"  # of the letter that came back
