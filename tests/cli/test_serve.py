"""`posthouse serve` as a person starts it."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import PATIENCE, SOURCE, Run

SERVICES = ("smtp", "submission", "submissions", "lmtp", "pop3", "pop3s", "imap", "imaps")


@contextmanager
def serving(data: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server, and what it said until it was ready."""
    ports = [part for name in SERVICES for part in ("--set", f"listen.{name}=127.0.0.1:0")]
    process = subprocess.Popen(
        [sys.executable, "-m", "posthouse", "serve", "--data", str(data), *ports, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )
    assert process.stdout is not None
    said = ""
    try:
        while not said.endswith("\nready\n"):
            line = process.stdout.readline()
            assert line, said + process.communicate()[1]
            said += line
        yield process, said
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_the_first_start_gives_something_to_try(run: Run, data: Path) -> None:
    with serving(data, "--set", "relay.connections=0") as (process, said):
        assert "demo@localhost" in said
        assert len(re.findall(r"^listening \w+ 127\.0\.0\.1:[1-9]\d*$", said, re.M)) == 8
        match = re.search(r"password +(\S+)", said)
        assert match is not None
        password = match[1]
        run("send", "--to", "demo@localhost", "--subject", "Hello", "--text", "It works.")
        refused = run("send", "--to", "bob@example.net", "--text", "x", status=1).stderr
        assert "550" in refused
        assert "--user ADDRESS" in refused
        to_both = ["--to", "bob@example.net", "--to", "demo@localhost", "--text", "Grüße"]
        log_in = ["--user", "demo@localhost", "--password-stdin"]
        run("send", *log_in, *to_both, given=f"{password}\n")
        whole = ["--to", "demo@localhost", "--file", "-"]
        run("send", *log_in, *whole, given=f"{password}\nSubject: whole\n\nbehind it\n")
        wrong = run("send", *log_in, *to_both, given="wrong\n", status=1).stderr
        assert "wrong user or password" in wrong
        assert "bob@example.net" in run("queue", "list").stdout
        _await_letters(run, 3)
        shown = [run("read", "show", "demo@localhost", str(uid)).stdout for uid in (1, 2, 3)]
        assert any("\nSubject: whole\n\nbehind it\n" in letter for letter in shown)
        process.terminate()
        assert process.wait(PATIENCE) == 0
        log = process.stderr.read() if process.stderr is not None else ""
        assert password not in log
        assert "Grüße" not in log
    assert "no server runs" in run("send", "--to", "a@b.example", "--text", "", status=1).stderr


def _await_letters(run: Run, count: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(run("read", "list", "demo@localhost").stdout.splitlines()) != count + 1:
        assert time.monotonic() < end


def test_the_demo_account_is_made_once(data: Path) -> None:
    with serving(data, "--workers", "1") as (_, said):
        assert "demo@localhost" in said
    with serving(data, "--workers", "1") as (_, said):
        assert "demo@localhost" not in said


def test_no_demo_account_where_there_is_another(run: Run, data: Path) -> None:
    run("domain", "add", "example.org")
    with serving(data, "--workers", "1") as (_, said):
        assert "password" not in said


def test_an_account_is_there_at_once(run: Run, data: Path) -> None:
    with serving(data) as (_, said):
        match = re.search(r"listening submissions (\S+):(\d+)", said)
        assert match is not None
        run("account", "add", "ann@localhost", "--password-stdin", given="one\n")
        _log_in(data, int(match[2]), "one")
        run("account", "password", "ann@localhost", "--password-stdin", given="two\n")
        _log_in(data, int(match[2]), "two")
        with pytest.raises(smtplib.SMTPAuthenticationError):
            _log_in(data, int(match[2]), "one")


def _log_in(data: Path, port: int, password: str) -> None:
    import ssl

    context = ssl.create_default_context(cafile=str(data / "certificate.pem"))
    with smtplib.SMTP_SSL("127.0.0.1", port, timeout=PATIENCE, context=context) as client:
        client.login("ann@localhost", password)


def test_attack_65_a_second_server_is_refused(run: Run, data: Path) -> None:
    with serving(data) as (process, _):
        refused = run("serve", status=1).stderr
        assert f"process {process.pid};" in refused


def test_sighup_keeps_the_old_settings_when_the_new_are_wrong(run: Run, data: Path) -> None:
    with serving(data) as (process, _):
        (data / "posthouse.toml").write_text("nonsense")
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("settings not changed" in line for line in lines)
        assert sum("worker serves" in next(lines) for _ in range(2)) == 2
        (data / "posthouse.toml").write_text('[dns]\nservers = ["ns.example"]\n')
        process.send_signal(signal.SIGHUP)
        assert any("settings not changed" in line for line in lines)
        assert sum("worker serves" in next(lines) for _ in range(2)) == 2
        (data / "posthouse.toml").write_text("[timeouts]\nshutdown = 20\n")
        process.send_signal(signal.SIGHUP)
        assert any("next start only" in line and "timeouts.shutdown" in line for line in lines)
        (data / "posthouse.toml").unlink()
        run("send", "--to", "demo@localhost", "--text", "still here")
