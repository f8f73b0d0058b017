"""The commands for domains, accounts, aliases and settings."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from posthouse.accounts.scram import find_key
from posthouse.cli.root import COMMANDS, posthouse
from posthouse.mua.cli.house import House
from posthouse.store.direct import DirectStore

from .conftest import SOURCE, Run


def test_domains_accounts_and_aliases(run: Run) -> None:
    run("domain", "add", "Example.org")
    added = run("account", "add", "Ann@Example.org", "--password-stdin", given="geheim\n")
    assert added.stdout == "added ann@example.org\n"
    run("alias", "add", "sales@example.org", "ann@example.org", "bob@example.net")
    (account,) = json.loads(run("account", "list", "--json").stdout)
    assert account["address"] == "ann@example.org"
    assert account["messages"] == account["octets"] == 0
    assert json.loads(run("domain", "list", "--json").stdout) == [
        {"name": "example.org", "accounts": 1, "aliases": 1}
    ]
    assert json.loads(run("alias", "list", "--json").stdout) == [
        {"address": "sales@example.org", "target": "ann@example.org"},
        {"address": "sales@example.org", "target": "bob@example.net"},
    ]
    run("alias", "remove", "sales@example.org")
    assert run("alias", "list", "--json").stdout == "[]\n"
    run("account", "password", "ann@example.org", "--password-stdin", given="new\n")
    assert "ann@example.org" in run("account", "list").stdout
    assert run("queue", "list", "--json").stdout == "[]\n"


def test_aliases_know_what_divides_sub_addresses(run: Run, data: Path) -> None:
    run("domain", "add", "example.org")
    assert "lead back" in run("alias", "add", "a@example.org", "a+b@example.org", status=1).stderr
    (data / "posthouse.toml").write_text('[delivery]\nseparator = "-"\n')
    run("alias", "add", "a@example.org", "a+b@example.org")
    assert "lead back" in run("alias", "add", "b@example.org", "b-c@example.org", status=1).stderr


def test_what_is_refused_says_what_to_do_next(run: Run) -> None:
    assert "posthouse serve --data" in run("account", "list", status=1).stderr
    run("domain", "add", "example.org")
    cases = [
        (("domain", "add", "example.org"), "is there already"),
        (("domain", "add", "no domain"), "is not a domain name"),
        (("account", "add", "a@example.net", "--random-password"), "posthouse domain add"),
        (("account", "add", "nobody", "--random-password"), "is not an address"),
        (("alias", "add", "a@example.net", "b@example.org"), "posthouse domain add"),
        (("alias", "remove", "a@example.org"), "posthouse alias list"),
        (("read", "list", "a@example.org"), "posthouse account list"),
    ]
    for arguments, words in cases:
        refused = run(*arguments, status=1)
        assert words in refused.stderr
        assert refused.stdout == ""
    unknown = run("account", "password", "a@example.org", "--password-stdin", given="x", status=1)
    assert "posthouse account list" in unknown.stderr
    empty = run("account", "add", "a@example.org", "--password-stdin", status=1)
    assert "a password has" in empty.stderr


def test_wrong_usage_has_another_status(run: Run) -> None:
    run("nonsense", status=2)
    run("domain", "add", status=2)
    run("account", "add", "a@example.org", status=2)  # no terminal to ask
    run("send", "--text", "hi", status=2)
    run("send", "--to", "a@example.org", "--text", "hi", "--host", "localhost:65536", status=2)
    run("send", "--to", "a@example.org", "--text", "hi", "--host", "a..b", status=1)
    run("send", "--to", "a@example.org", "--file", "-", "--subject", "hi", status=2)
    run("serve", "--workers", "0", status=2)


def test_which_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def read(house: House, _: object) -> list[object]:
        seen.append(house.data)
        return []

    monkeypatch.setattr(House, "read", read)
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    listing = ["domain", "list"]
    for environment, words, expected in (
        (None, listing, "data"),
        (one, listing, one),
        (one, ["--data", two, *listing], two),
        (one, [*listing, "--data", two], two),
        (None, ["--data", one, *listing], one),
        (None, ["--data", one, *listing, "--data", two], two),
    ):
        CliRunner(env={"POSTHOUSE_DATA": environment}).invoke(
            posthouse, words, catch_exceptions=False
        )
        assert str(seen.pop()) == expected


def test_nobody_else_may_read_the_files(run: Run, data: Path) -> None:
    data.chmod(0o755)
    run("domain", "add", "example.org")
    made = [path for path in data.rglob("*") if path.suffix != ".toml"]
    assert data / "posthouse.db" in made
    assert not [path for path in made if path.stat().st_mode & 0o077]


def test_five_thousand_accounts_in_seconds(run: Run, data: Path, tmp_path: Path) -> None:
    run("domain", "add", "example.org")
    people = tmp_path / "people.txt"
    lines = ["# all of them", "", *(f"User{n}@example.org" for n in range(5000))]
    people.write_text("\n".join(lines))
    done = run("account", "import", str(people), "--password-stdin", given="x\n")
    assert done.stdout == "added 5000 accounts, 0 were there\n"
    done = run("account", "import", str(people), "--password-stdin", given="x\n")
    assert done.stdout == "added 0 accounts, 5000 were there\n"


def test_an_import_with_salts_of_their_own(run: Run, data: Path, tmp_path: Path) -> None:
    """By which SCRAM shows nobody who is there; the one password is each account's."""
    run("domain", "add", "example.org")
    people = tmp_path / "people.txt"
    people.write_text("ann@example.org\nBob@example.org\n")
    run("account", "import", str(people), "--password-stdin", "--own-salts", given="x\n")
    with DirectStore(data) as store:
        keys = [store.read(find_key(f"{name}@example.org", "SHA-256")) for name in ("ann", "bob")]
    salts = set()
    for key in keys:
        assert key is not None
        salts.add(key.salt)
        salted = hashlib.pbkdf2_hmac("sha256", b"x", key.salt, key.iterations)
        assert key.server_key == hmac.digest(salted, b"Server Key", "sha256")
    assert len(salts) == 2


def test_an_import_with_a_wrong_line_adds_nothing(run: Run, tmp_path: Path) -> None:
    run("domain", "add", "example.org")
    people = tmp_path / "people.txt"
    people.write_text("a@example.org\nwrong\n")
    done = run("account", "import", str(people), "--password-stdin", given="x\n", status=1)
    assert f"{people}, line 2: 'wrong' is not an address" in done.stderr
    assert run("account", "list", "--json").stdout == "[]\n"


def test_settings(run: Run, data: Path) -> None:
    assert run("config", "check").stdout == f"{data}/posthouse.toml: fine\n"
    assert "passes = 1  # not the default" in run("config", "show").stdout
    shown = json.loads(run("config", "show", "--json", "--set", "workers=3").stdout)
    assert shown["workers"] == 3
    assert "Recipients of one message" in run("config", "describe", "limits.recipients").stdout
    (data / "posthouse.toml").write_text("[limits]\nmesage = 1\n")
    wrong = run("config", "check", status=1).stderr
    assert "posthouse.toml: limits.mesage: no such setting" in wrong
    assert run("serve", status=1).stderr == wrong


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[dns]\nservers = ["ns.example"]', "dns.servers: expected addresses"),
        ('[relay]\nnames = ["a..b"]', "relay.names: 'a..b': the domain is not"),
        (
            '[routes."a.example"]\nto = "h"\ntls = "verify"\nuser = "u"\npassword_file = "p"',
            "routes.a.example",
        ),
    ],
)
def test_settings_from_which_nothing_can_be_built(
    run: Run, data: Path, text: str, expected: str
) -> None:
    (data / "posthouse.toml").write_text(text)
    assert f"posthouse: {expected}" in run("config", "check", status=1).stderr
    assert f"posthouse: {expected}" in run("serve", status=1).stderr


def test_files_that_settings_name_have_to_be_there(run: Run, data: Path) -> None:
    override = ("--set", "relay.authorities=ca.pem")
    missing = run("config", "check", *override, status=1).stderr
    assert f"relay.authorities: there is no file {data}/ca.pem" in missing
    (data / "ca.pem").touch()
    run("config", "check", *override)


def test_every_command_is_explained() -> None:
    for name, (module, text) in COMMANDS.items():
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        assert command.help, name
        assert text.endswith("."), name
        if isinstance(command, click.Group):
            for sub in command.commands.values():
                assert sub.help, f"{name} {sub.name}"
                for parameter in sub.params:
                    if isinstance(parameter, click.Option):
                        assert parameter.help, f"{name} {sub.name} {parameter.name}"
    assert posthouse.help


def test_help_loads_little() -> None:
    code = (
        "import sys\nfrom posthouse.cli.root import posthouse\n"
        "posthouse(['--help'], standalone_mode=False)\n"
        "heavy = {'rich', 'structlog', 'cryptography', 'argon2', 'apsw', 'asyncio', 'ssl'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SOURCE)},
    )
    assert done.returncode == 0, done.stderr
    assert "Begin with:" in done.stdout


@pytest.mark.parametrize("name", ["a\x1b[31mb", "x\r\ny", "\u202ee", "\x07"])
def test_attack_71_what_is_foreign_does_not_reach_the_terminal(run: Run, name: str) -> None:
    refused = run("domain", "add", name, status=1).stderr
    assert refused.rstrip("\n").isprintable()
