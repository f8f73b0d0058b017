"""Tokens: those of the issuer, and no others."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.accounts.base64url import Refused
from posthouse.accounts.tokens import Settings, Tokens

from .tokens import AUDIENCE, CLAIMS, ISSUER, KEYS, NOW, RSA, encode, jwk_set, token


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    file.write_text(json.dumps(jwk_set()))
    settings = Settings(ISSUER, AUDIENCE, file, algorithms=tuple(KEYS))
    return Tokens(settings, lambda: float(NOW))


@pytest.mark.parametrize("algorithm", KEYS)
def test_signed_by_the_issuer(tokens: Tokens, algorithm: str) -> None:
    assert tokens.check(token(algorithm)) == "ann@example.org"
    kid = {"RS256": "rsa", "PS256": "rsa", "ES256": "ec", "EdDSA": "ed"}[algorithm]
    assert tokens.check(token(algorithm, {"kid": kid})) == "ann@example.org"
    assert tokens.check(token(algorithm, aud=["web", AUDIENCE], nbf=NOW)) == "ann@example.org"


def shared(algorithm: str, key: bytes) -> str:
    """Signed with what everybody knows: the public key taken for a secret."""
    signed = token(algorithm, signature=b"").rstrip(".")
    return f"{signed}.{encode(hmac.digest(key, signed.encode(), 'sha256'))}"


PUBLIC = RSA.public_key().public_numbers().n.to_bytes(256)
WITHOUT = {name: {k: v for k, v in CLAIMS.items() if k != name} for name in CLAIMS}
FORGED: dict[str, str] = {
    "no algorithm": token("none", signature=b""),
    "no algorithm, in capitals": token("NONE", signature=b""),
    "no signature": token(signature=b""),
    "another's signature": token(signature=b"\1" * 256),
    "a shared secret": shared("HS256", PUBLIC),
    "an algorithm of another key": token("ES256", {"kid": "rsa"}),
    "a header that is changed": token("EdDSA", {"alg": "RS256"}),
    "a signature of zeros": token("ES256", signature=bytes(64)),
    "algorithm: a list": token("RS256", {"alg": ["RS256"]}),
    "unknown kid": token(header={"kid": "other"}),
    "kid: a path": token(header={"kid": "../../etc/passwd"}, signature=b""),
    "kid: a list": token(header={"kid": ["rsa"]}),
    "critical header": token(header={"crit": ["x"], "x": 1}),
    "key in the header": token(header={"jwk": jwk_set()["keys"][0]}, signature=b"x"),
    "another audience": token(aud="web"),
    "no audience": token(claims=WITHOUT["aud"]),
    "another issuer": token(iss="https://login.example.net"),
    "a longer issuer": token(iss=ISSUER + "/"),
    "no issuer": token(claims=WITHOUT["iss"]),
    "expired": token(exp=NOW - 61),
    "never expires": token(claims=WITHOUT["exp"]),
    "expires: a word": token(exp="never"),
    "expires: not a number": token(exp=float("nan")),
    "expires: true": token(exp=True),
    "not yet": token(nbf=NOW + 61),
    "names nobody": token(claims=WITHOUT["email"]),
    "names many": token(email=["ann@example.org"]),
    "not verified": token(email_verified=False),
    "empty": "",
    "two parts": ".".join(token().split(".")[:2]),
    "four parts": token() + ".",
    "padding": token() + "=",
    "five parts": token() + ".a.b",
    "too long": "a" * 10_000,
    "deep": f"{encode(b'[' * 4000)}.e30.",
    "a great number": f"{encode(b'1' * 5000)}.e30.",
    "not ASCII": token().replace(".", ".\u0661", 1),
}


@pytest.mark.parametrize("name", FORGED)
def test_attack_31_a_forged_token(tokens: Tokens, name: str) -> None:
    with pytest.raises(Refused):
        tokens.check(FORGED[name])


@given(st.text(max_size=60) | st.lists(st.text("AQabc-_=", max_size=9), max_size=4).map(".".join))
def test_attack_31_no_other_text_is_a_token(text: str) -> None:
    settings = Settings(ISSUER, AUDIENCE, Path("/nowhere"))
    with pytest.raises((Refused, OSError)):
        Tokens(settings, lambda: 0.0).check(text)


def test_keys_that_change_are_read_again(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    tokens = Tokens(Settings(ISSUER, AUDIENCE, file), lambda: float(NOW))
    with pytest.raises(OSError, match=r"keys\.json"):
        tokens.check(token())
    file.write_text('{"keys": []}')
    with pytest.raises(Refused):
        tokens.check(token())
    file.write_text(json.dumps(jwk_set()))
    assert tokens.check(token()) == "ann@example.org"


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"keys": 1}', '{"keys": [1]}', '{"keys": [{"kty": "RSA"}]}', "[" * 100_000],
)
def test_a_file_that_has_no_keys(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content)
    with pytest.raises(Refused):
        Tokens(Settings(ISSUER, AUDIENCE, file), lambda: float(NOW)).check(token())


def test_a_key_that_is_none_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    wrong = [1, {}, {"kty": "RSA"}, {"kty": "EC", "crv": "P-256", "x": "?", "y": "AA"}]
    file.write_text(json.dumps({"keys": [*wrong, *jwk_set()["keys"]]}))
    tokens = Tokens(Settings(ISSUER, AUDIENCE, file), lambda: float(NOW))
    assert tokens.check(token()) == "ann@example.org"


@pytest.mark.parametrize("claims", [{}, {"sub": "ann@example.org"}])
def test_the_claim_is_a_setting(tokens: Tokens, tmp_path: Path, claims: dict[str, Any]) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(jwk_set()))
    by_sub = Tokens(Settings(ISSUER, AUDIENCE, file, claim="sub"), lambda: float(NOW))
    if claims:
        assert by_sub.check(token(**claims)) == "ann@example.org"
    else:
        with pytest.raises(Refused):
            by_sub.check(token())
