"""The settings: each documented, errors that say where, what and what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

import posthouse
from posthouse.config import Config
from posthouse.config.description import describe
from posthouse.config.listen import services
from posthouse.config.loading import Wrong, find, load
from posthouse.config.relay import Route, in_long_form
from posthouse.routing import ourselves


def test_every_setting_is_explained() -> None:
    described = list(describe())
    assert len({setting.key for setting in described}) == len(described) > 30
    for setting in described:
        assert setting.text.endswith((".", ")", "?")), setting.key
        assert setting.type, setting.key


def test_every_setting_is_read() -> None:
    """By whoever builds the system: one that nothing reads would be a promise not kept."""
    package = Path(posthouse.__file__).parent
    readers = [*(package / f"{name}.py" for name in ("main", "services", "routing"))]
    readers += package.glob("cli/*.py")
    text = "".join(path.read_text() for path in readers)
    for setting in describe():
        if not setting.key.startswith("listen."):
            assert f".{setting.key.rpartition('.')[2]}" in text, setting.key


def test_the_defaults_are_loopback_alone() -> None:
    loaded = load(None)
    addresses = [a for each in services(loaded.listen).values() for a in each]
    assert len(addresses) == 8
    assert all(address.startswith("127.0.0.1:2") for address in addresses)
    assert loaded == Config()


def test_every_default_can_be_written_down_and_overridden(tmp_path: Path) -> None:
    overrides = []
    for setting in describe():
        if setting.named:
            continue
        default = setting.default
        if isinstance(default, bool):
            value = str(default).lower()
        elif isinstance(default, list):
            value = ",".join(default)
        else:
            value = str(default)
        overrides.append(f"{setting.key}={value}")
    assert load(None, overrides) == Config()


def test_a_file_and_overrides(tmp_path: Path) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text(
        'hostname = "mx.example.org"\nworkers = 4\n'
        '[listen]\nsmtp = ["0.0.0.0:25", "[::]:25"]\npop3 = []\n[limits]\nmessage = 1_000_000\n'
    )
    assert find(tmp_path, None) == path
    loaded = load(path, ["workers=8", "listen.imap=", "submission.strip_bcc=false"])
    assert loaded.hostname == "mx.example.org"
    assert loaded.workers == 8
    assert loaded.listen.smtp == ["0.0.0.0:25", "[::]:25"]
    assert loaded.listen.pop3 == loaded.listen.imap == []
    assert loaded.limits.message == 1_000_000
    assert not loaded.submission.strip_bcc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("workers = 0", "workers: expected `int` >= 1 (integer)"),
        ('workers = "two"', "workers: expected `int`, got `str` (integer)"),
        ("[limits]\nmesage = 1", "limits.mesage: no such setting; expected one of limits."),
        ("wokers = 1", "wokers: no such setting; expected one of hostname, workers"),
        ('[listen]\nsmtp = "127.0.0.1:25"', "listen.smtp: expected `array`, got `str`"),
        ('[listen]\nsmtp = ["25"]', "listen.smtp: expected host:port or [IPv6]:port, got '25'"),
        ('[listen]\nsmtp = ["::1:25"]', "listen.smtp: expected host:port"),
        ('[listen]\nsmtp = ["a:99999"]', "listen.smtp: expected host:port"),
        ('[content]\nbare_newlines = "x"', "('refuse' | 'normalise')"),
        ('hostname = "a b"', "hostname: expected `str` matching regex"),
        ('[tls]\ncertificate = "a.pem"', "tls.certificate and tls.key: expected both or neither"),
        ("workers = ", "not TOML"),
        ("[passwords]\nmemory = 16\nlanes = 4", "passwords.memory: expected 8 for each"),
        ('[routes]\n"*" = "a b:25"', "routes.*: expected host:port, got 'a b:25'"),
        ('[routes."*"]\ntls = "none"', "routes[...]: object missing required field `to`"),
        ('[routes."a.b"]\nto = "h"\nport = 3', "no such setting; expected one of "),
        ('[routes."a.b"]\nto = "h"\nuser = "u"', "routes.a.b: expected user and password_file"),
        (
            '[routes."a.b"]\nto = "h"\nuser = "u"\npassword_file = "p"',
            'routes.a.b.tls: a password needs "required" or "verify"',
        ),
        ('[routes]\n"a..b" = "h"', "routes: 'a..b': the domain is not well-formed"),
        ('[relay]\nbackup_for = ["*.b"]', "relay.backup_for: '*.b': the domain is not"),
        ('[relay]\nbackup_for = ["*"]', "relay.backup_for: expected domains"),
    ],
)
def test_what_is_wrong_in_a_file(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text(text)
    with pytest.raises(Wrong) as wrong:
        load(path)
    assert str(wrong.value).startswith(f"{path}: ")
    assert expected in str(wrong.value)


def test_routes(tmp_path: Path) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text(
        '[routes]\n"example.org" = "lmtp:store.example.org"\n'
        '[routes.".example.net"]\nto = "[2001:db8::1]:2525"\ntls = "none"\n'
    )
    loaded = load(path, ["routes.*.to=relay.example:587", "routes.*.tls=verify"])
    assert in_long_form(loaded.routes) == {
        "example.org": Route("lmtp:store.example.org"),
        ".example.net": Route("[2001:db8::1]:2525", "none"),
        "*": Route("relay.example:587", "verify"),
    }
    loaded = load(path, ["routes.example.org.tls=required"])
    assert in_long_form(loaded.routes)["example.org"] == Route("lmtp:store.example.org", "required")


@pytest.mark.parametrize(
    ("listening", "everywhere"),
    [("*:25", True), ("0.0.0.0:25", True), ("[::]:25", True), ("192.0.2.1:25", False)],
)
def test_whoever_listens_everywhere_is_there_by_any_address(
    listening: str, everywhere: bool
) -> None:
    us = ourselves(load(None, [f"listen.smtp={listening}"]), "mx.example.org")
    assert us.everywhere == everywhere
    assert us.names == {"mx.example.org"}
    assert us.is_address("127.0.0.1") == everywhere


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("workers", "--set workers: expected KEY=VALUE"),
        ("x.y=1", "--set x.y: no such setting"),
        ("listen=1", "--set listen: no such setting"),
        ("workers=two", "--set workers: expected an integer, got 'two'"),
        ("timeouts.imap=x", "--set timeouts.imap: expected a number"),
        ("submission.strip_bcc=1", "--set submission.strip_bcc: expected true or false"),
        ("workers=1000", "--set: workers: expected `int` <= 256"),
    ],
)
def test_what_is_wrong_in_an_override(override: str, expected: str) -> None:
    with pytest.raises(Wrong) as wrong:
        load(None, [override])
    assert expected in str(wrong.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Wrong, match=r"none\.toml: No such file"):
        load(tmp_path / "none.toml")
