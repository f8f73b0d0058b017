"""Ways to log in beside the password: keys, app passwords, certificates, tokens, nobody at all."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import stat
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from posthouse.accounts.accounts import add_account, add_accounts, set_disabled, set_password
from posthouse.accounts.app_passwords import (
    add_app_password,
    invent_app_password,
    list_app_passwords,
    prefix_of,
    revoke_app_password,
)
from posthouse.accounts.authenticator import Authenticator, Settings
from posthouse.accounts.errors import Conflict
from posthouse.accounts.kept import make_kept
from posthouse.accounts.legacy import KEY_FILE, NoKey, Vault
from posthouse.accounts.presence import Login
from posthouse.accounts.removal import estate, remove_account
from posthouse.accounts.scram import saslprep
from posthouse.accounts.tokens import Settings as TokenSettings
from posthouse.accounts.tokens import Tokens
from posthouse.protocols.sasl.mechanism import (
    Anonymous,
    Bearer,
    Certificate,
    Challenge,
    Claim,
    Denial,
    Denied,
    Keys,
    Offer,
    Password,
    Proof,
    ScramKeys,
    Secret,
    SharedSecret,
    Stamp,
)
from posthouse.protocols.sasl.scram_sha_256 import SCRAM_SHA_256
from posthouse.store.direct import DirectStore
from posthouse.store.mailboxes import list_mailboxes
from posthouse.store.unit import Work, one_of
from tests.protocols.sasl.client import ScramClient

from .conftest import CHEAP, HASHER
from .tokens import AUDIENCE, ISSUER, NOW, jwk_set, token

T = TypeVar("T")
ANN = "ann@example.org"
BOB = "bob@example.org"
OLD = "old@example.org"
LEAST = 10_000


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


@pytest.fixture
def accounts(store: DirectStore, vault: Vault) -> dict[str, int]:
    """Ann and Bob as people are now; Old with what old programs need."""
    kept = {
        ANN: make_kept("one", HASHER, LEAST),
        BOB: make_kept("two", HASHER, LEAST),
        OLD: make_kept("three", HASHER, LEAST, OLD, vault),
    }
    return {name: store.write(add_account(name, each, 0)) for name, each in kept.items()}


def authenticator(
    store: DirectStore, vault: Vault | None = None, tokens: Tokens | None = None, **changes: Any
) -> Authenticator:
    settings = Settings(parameters=CHEAP, iterations=LEAST, **changes)
    now = float(NOW)
    return Authenticator(store, settings, lambda: now, now=lambda: now, vault=vault, tokens=tokens)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def by_scram(who: Authenticator, user: str, password: str) -> object:
    """What comes of an exchange."""
    client = ScramClient("SHA-256", user, password)
    exchange = SCRAM_SHA_256.serve(Offer())
    step: object = next(exchange)
    try:
        while True:
            if isinstance(step, Challenge):
                step = exchange.send(client.respond(step.octets))
            elif isinstance(step, Claim):
                step = exchange.send(run(who.check(step)))
            else:
                assert isinstance(step, ScramKeys)
                step = exchange.send(who.tell(step))
    except StopIteration as end:
        result: object = end.value
    assert client.verified or isinstance(result, Denied)
    return result


# SCRAM


def test_scram_by_whatever_spelling(store: DirectStore, accounts: dict[str, int]) -> None:
    who = authenticator(store)
    assert by_scram(who, ANN, "one") == Login(accounts[ANN], ANN)
    assert by_scram(who, "Ann@Example.ORG", "one") == Login(accounts[ANN], ANN)
    for user, password in ((ANN, "two"), (ANN, ""), ("x", "one"), ("eve@example.org", "one")):
        assert by_scram(who, user, password) == Denied()


def test_attack_11_a_user_who_does_not_exist_has_one_salt(
    store: DirectStore, accounts: dict[str, int]
) -> None:
    def shown(who: Authenticator, user: str) -> Keys:
        keys = who.tell(ScramKeys(user, "SHA-256"))
        assert isinstance(keys, Keys)
        return keys

    one, other = authenticator(store), authenticator(store)
    nobody = shown(one, "eve@example.org")
    assert shown(other, "EVE@example.org").salt == nobody.salt
    assert shown(one, "mallory@example.org").salt != nobody.salt
    real = shown(one, ANN)
    assert (len(real.salt), real.iterations) == (len(nobody.salt), nobody.iterations)
    assert len({shown(one, ANN).nonce for _ in range(20)}) == 20


def test_scram_is_offered_when_all_can_use_it(store: DirectStore, accounts: dict[str, int]) -> None:
    who = authenticator(store)
    assert "SCRAM-SHA-256" in who.offers("imap")
    store.write(add_account("new@example.org", HASHER.hash("four"), 0))
    assert "SCRAM-SHA-256" not in who.offers("imap")
    assert {"PLAIN", "LOGIN"} <= set(who.offers("imap"))
    # a good log-in makes the keys that are missing
    assert isinstance(run(who.check(Password("new@example.org", "four"))), Login)
    assert "SCRAM-SHA-256" in who.offers("imap")
    assert isinstance(by_scram(who, "new@example.org", "four"), Login)


def test_a_new_password_leaves_nothing_of_the_old_one(
    store: DirectStore, accounts: dict[str, int], vault: Vault
) -> None:
    store.write(set_password(OLD, HASHER.hash("new")))
    who = authenticator(store, vault)
    assert by_scram(who, OLD, "three") == Denied()
    secret = who.tell(SharedSecret(OLD))
    assert isinstance(secret, Secret)
    assert secret.octets != b"three"
    assert not who.offers_apop()
    store.write(set_password(ANN, make_kept("newer", HASHER, LEAST)))
    assert by_scram(who, ANN, "one") == Denied()
    assert isinstance(by_scram(who, ANN, "newer"), Login)


def test_an_import_shares_keys_until_a_password_is_changed(store: DirectStore) -> None:
    store.write(add_accounts([ANN, BOB], make_kept("same", HASHER, LEAST), 0))
    who = authenticator(store)
    assert isinstance(by_scram(who, ANN, "same"), Login)
    assert isinstance(by_scram(who, BOB, "same"), Login)


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("pencil", b"pencil"),
        ("I\u00adX", b"IX"),  # RFC 4013 §3
        ("\u00aa", b"a"),
        ("\u2168", b"IX"),
        ("a\u3000b", b"a b"),
        ("\u0627\u0031", "\u0627\u0031".encode()),  # forbidden: as it is
    ],
)
def test_passwords_are_prepared_as_clients_prepare_them(password: str, prepared: bytes) -> None:
    assert saslprep(password) == prepared


# Old programs


def test_old_ways_are_for_those_who_asked(
    store: DirectStore, accounts: dict[str, int], vault: Vault
) -> None:
    who = authenticator(store, vault)
    assert {"CRAM-MD5", "SCRAM-SHA-1"} <= set(who.offers("pop3"))
    assert who.offers_apop()
    assert who.tell(SharedSecret("OLD@example.org")) == Secret(b"three")
    for name in (ANN, "eve@example.org", "", "\0"):
        secrets = {str(who.tell(SharedSecret(name))) for _ in range(2)}
        assert b"one" not in {getattr(who.tell(SharedSecret(name)), "octets", b"")}
        assert len(secrets) == 1  # they are not shown
    store.write(set_disabled(OLD, True))
    assert who.tell(SharedSecret(OLD)) != Secret(b"three")


def test_the_secret_is_of_no_use_without_the_key(
    store: DirectStore, accounts: dict[str, int], vault: Vault, tmp_path: Path
) -> None:
    def unit() -> Work[bytes]:
        row = yield from one_of("SELECT secret FROM legacy_secret")
        assert row is not None
        return bytes(row[0])

    sealed = store.read(unit)
    assert b"three" not in sealed
    assert vault.open(OLD, sealed) == b"three"
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    with pytest.raises(NoKey):
        vault.open(ANN, sealed)  # moved to another's row
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(NoKey):
        Vault(elsewhere).open(OLD, sealed)
    Vault(elsewhere).seal(ANN, b"makes a key")
    with pytest.raises(NoKey):
        Vault(elsewhere).open(OLD, sealed)


def test_stamps_are_never_said_twice(store: DirectStore) -> None:
    who = authenticator(store, hostname="mx.example.org")
    stamps = {str(who.tell(Stamp())) for _ in range(100)}
    assert len(stamps) == 100
    assert all(each.startswith("<") and each.endswith("@mx.example.org>") for each in stamps)


# App passwords


def add_app(store: DirectStore, name: str, scopes: list[str], of: str = ANN) -> str:
    password = invent_app_password()
    stored = HASHER.hash(password)
    store.write(add_app_password(of, name, scopes, prefix_of(password), stored, 0))
    return password


def test_an_app_password_is_for_its_services(store: DirectStore, accounts: dict[str, int]) -> None:
    who = authenticator(store)
    phone = add_app(store, "phone", ["imap", "smtp"])

    async def work() -> None:
        expected = Login(accounts[ANN], ANN)
        assert await who.check(Password(ANN, phone), "imap") == expected
        assert await who.check(Password(ANN, phone), "smtp") == expected
        assert await who.check(Password(ANN, phone), "pop3") == Denied()
        assert await who.check(Password(ANN, phone)) == Denied()
        assert await who.check(Password(BOB, phone), "imap") == Denied()
        assert await who.check(Password(ANN, "one"), "imap") == expected
        wrong = phone[:-1] + ("a" if phone[-1] != "a" else "b")
        assert await who.check(Password(ANN, wrong), "imap") == Denied()

    run(work())
    assert by_scram(who, ANN, phone) == Denied()


def test_a_revoked_one_lets_nobody_in(store: DirectStore, accounts: dict[str, int]) -> None:
    who = authenticator(store)
    phone = add_app(store, "phone", ["imap"])
    tablet = add_app(store, "tablet", ["imap"])

    async def work() -> None:
        assert isinstance(await who.check(Password(ANN, phone), "imap"), Login)
        store.write(revoke_app_password(ANN, "phone"))
        assert await who.check(Password(ANN, phone), "imap") == Denied()
        assert isinstance(await who.check(Password(ANN, tablet), "imap"), Login)

    run(work())
    (left,) = store.read(list_app_passwords(ANN))
    assert (left.name, left.scopes, left.used) == ("tablet", ("imap",), NOW)
    for name in ("phone", "\n", ""):
        with pytest.raises(Conflict):
            store.write(revoke_app_password(ANN, name))
    with pytest.raises(Conflict):
        add_app(store, "tablet", ["imap"])


# Certificates, tokens, nobody


def test_a_certificate_is_for_its_addresses(store: DirectStore, accounts: dict[str, int]) -> None:
    who = authenticator(store)

    async def work() -> None:
        both = ("eve@example.org", "Ann@Example.org", BOB)
        assert await who.check(Certificate(both, "")) == Login(accounts[ANN], ANN)
        assert await who.check(Certificate(both, BOB)) == Login(accounts[BOB], BOB)
        refused = Denied(Denial.AUTHORIZATION)
        assert await who.check(Certificate(both, OLD)) == refused
        assert await who.check(Certificate(("no address",), "another")) == refused
        assert await who.check(Certificate(("eve@example.org",), "")) == Denied()
        assert await who.check(Certificate((), "")) == Denied()

    run(work())


def test_a_token_is_for_the_account_it_names(
    store: DirectStore, accounts: dict[str, int], tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(jwk_set()))
    tokens = Tokens(TokenSettings(ISSUER, AUDIENCE, file), lambda: float(NOW))
    who = authenticator(store, tokens=tokens)

    async def check(text: str, identity: str = "") -> Login | Denied:
        return await who.check(Bearer("OAUTHBEARER", text, identity))

    async def work() -> None:
        assert await check(token()) == Login(accounts[ANN], ANN)
        assert await check(token(), "Ann@example.org") == Login(accounts[ANN], ANN)
        assert await check(token(), BOB) == Denied(Denial.AUTHORIZATION)
        assert await check(token(aud="web")) == Denied()
        assert await check(token(email="eve@example.org")) == Denied()
        file.unlink()
        assert await check(token()) == Denied(Denial.UNAVAILABLE)

    run(work())
    assert "OAUTHBEARER" in who.offers("smtp")
    assert "OAUTHBEARER" not in authenticator(store).offers("smtp")
    assert run(authenticator(store).check(Bearer("XOAUTH2", token(), ANN))) == Denied()


def test_nobody_comes_in_where_nobody_is_asked(
    store: DirectStore, accounts: dict[str, int]
) -> None:
    who, closed = authenticator(store, anonymous=BOB), authenticator(store)
    assert run(who.check(Anonymous("x"), "imap")) == Login(accounts[BOB], BOB)
    assert run(who.check(Anonymous("x"), "smtp")) == Denied()
    assert run(closed.check(Anonymous("x"), "imap")) == Denied()
    assert "ANONYMOUS" in who.offers("pop3")
    assert "ANONYMOUS" not in who.offers("smtp")
    assert "ANONYMOUS" not in closed.offers("imap")


def test_settings_say_what_is_offered(store: DirectStore, accounts: dict[str, int]) -> None:
    who = authenticator(store, mechanisms=frozenset({"PLAIN", "CRAM-MD5"}))
    assert set(who.offers("imap")) == {"PLAIN"}


def test_a_disabled_account_by_no_way(
    store: DirectStore, accounts: dict[str, int], vault: Vault
) -> None:
    who = authenticator(store, vault, anonymous=ANN)
    phone = add_app(store, "phone", ["imap"])
    ways: list[tuple[Proof, str]] = [
        (Password(ANN, "one"), "imap"),
        (Password(ANN, phone), "imap"),
        (Claim("SCRAM-SHA-256", ANN, "", True), "imap"),
        (Certificate((ANN,), ""), "imap"),
        (Anonymous(""), "imap"),
    ]
    for question, service in ways:
        assert isinstance(run(who.check(question, service)), Login)
    store.write(set_disabled(ANN, True))
    for question, service in ways:
        assert run(who.check(question, service)) == Denied()
    assert by_scram(who, ANN, "one") == Denied()
    store.write(set_disabled(ANN, False))
    assert isinstance(run(who.check(Password(ANN, "one"), "imap")), Login)


def uid_validities(store: DirectStore, account: int) -> list[int]:
    return [each.uid_validity for each in store.read(list_mailboxes(account))]


def test_an_account_that_is_removed_leaves_its_number(
    store: DirectStore, accounts: dict[str, int]
) -> None:
    add_app(store, "phone", ["imap"], OLD)
    before = uid_validities(store, accounts[OLD])
    assert store.write(remove_account(store.read(estate(OLD)), 0))
    who = authenticator(store)
    assert run(who.check(Password(OLD, "three"), "imap")) == Denied()
    again = store.write(add_account(OLD, make_kept("four", HASHER, LEAST), 0))
    assert again > max(accounts.values())
    assert min(uid_validities(store, again)) > max(before)
    assert run(who.check(Password(OLD, "three"), "imap")) == Denied()
    assert store.read(list_app_passwords(OLD)) == []


def test_the_digest_of_apop_and_cram_md5() -> None:
    """The examples of RFC 1939 §7 and RFC 2195 §2, computed as the protocols do."""
    stamp = b"<1896.697170952@dbc.mtview.ca.us>"
    assert hashlib.md5(stamp + b"tanstaaf").hexdigest() == "c4c9334bac560ecc979e58001b3e22fb"
    stamp = b"<1896.697170952@postoffice.reston.mci.net>"
    digest = hmac.new(b"tanstaaftanstaaf", stamp, "md5").hexdigest()
    assert digest == "b913a602c7eda7a495b4e6e7334d3890"
