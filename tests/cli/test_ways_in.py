"""The commands for how accounts log in, and for their end."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

from posthouse.accounts.accounts import find_account
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.units import accept
from posthouse.store import contents
from posthouse.store.direct import DirectStore

from .conftest import Run

ANN = "ann@example.org"


def prepare(run: Run, *options: str) -> None:
    run("domain", "add", "example.org")
    run("account", "add", ANN, "--password-stdin", *options, given="geheim\n")


def test_app_passwords(run: Run) -> None:
    prepare(run)
    made = run("account", "app-password", "add", ANN, "phone", "--scope", "pop3", "--scope", "smtp")
    first, second = made.stdout.splitlines()
    assert first == f"added phone for {ANN}; this is shown only now:"
    assert len(second.removeprefix("password ")) == 24
    listed = run("account", "app-password", "list", ANN, "--json").stdout
    (each,) = json.loads(listed)
    assert (each["name"], each["scopes"], each["used"]) == ("phone", "smtp pop3", "never")
    again = run("account", "app-password", "add", ANN, "phone", status=1)
    assert "already" in again.stderr
    run("account", "app-password", "add", ANN, "x", "--scope", "ftp", status=2)
    run("account", "app-password", "revoke", ANN, "phone")
    none = run("account", "app-password", "revoke", ANN, "phone", status=1)
    assert "app-password list" in none.stderr
    nobody = run("account", "app-password", "list", "bob@example.org", status=1)
    assert "posthouse account list" in nobody.stderr


def test_old_programs_have_a_key_beside_the_database(run: Run, data: Path) -> None:
    prepare(run)
    assert not (data / "legacy.key").exists()
    run(
        "account",
        "add",
        "old@example.org",
        "--legacy-auth",
        "--password-stdin",
        given="geheimer\n",
    )
    key = data / "legacy.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    assert len(before) == 32
    for file in data.glob("posthouse.db*"):
        assert b"geheimer" not in file.read_bytes()
        assert before not in file.read_bytes()
    run("account", "password", "old@example.org", "--password-stdin", given="neu\n")
    assert key.read_bytes() == before
    listed = json.loads(run("account", "list", "--json").stdout)
    assert {each["address"]: each["legacy"] for each in listed} == {
        ANN: False,
        "old@example.org": True,
    }


def test_disabled_and_removed(run: Run, data: Path) -> None:
    prepare(run)
    run("account", "disable", ANN)
    (listed,) = json.loads(run("account", "list", "--json").stdout)
    assert listed["disabled"] is True
    run("account", "enable", ANN)
    kept = run("account", "remove", ANN, given="n\n", status=1)
    assert "Aborted" in kept.stderr
    removed = run("account", "remove", ANN, given="y\n")
    assert "its mail is in" in removed.stdout
    (folder,) = (data / "removed").iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert json.loads((folder / "mailboxes.json").read_text())["address"] == ANN
    for command in ("disable", "enable", "remove"):
        assert "posthouse account list" in run("account", command, ANN, status=1).stderr


def test_an_account_for_which_letters_wait_stays(run: Run, data: Path) -> None:
    prepare(run)
    content = contents.prepare(b"Subject: Hello\r\n\r\n")
    letter = Letter("bob@b.example", content, "192.0.2.1 (there)")
    with DirectStore(data) as store:
        account = store.read(find_account(ANN))
        assert account is not None
        recipients = [Recipient(ANN, "example.org", account)]
        store.write(accept("AA01", letter, recipients, int(time.time()), "", 0))
    refused = run("account", "remove", ANN, "--yes", status=1).stderr
    assert f"letters for {ANN} wait to be delivered" in refused
    assert list((data / "removed").iterdir()) == []
