"""The keys of an authorization server: JSON Web Keys (RFC 7517) and what they sign (RFC 7518)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from .base64url import Refused, base64url

LARGEST_FILE = 1024 * 1024  # octets
LEAST_RSA = 2048  # bits (RFC 7518 §3.3)
#: What comes of a key that lacks something, or has what cannot be.
WRONG = (ValueError, KeyError, TypeError, AttributeError, UnsupportedAlgorithm, Refused)

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    id: str
    algorithm: str  # the only one it is for, or empty
    key: Key


def read_keys(file: Path) -> list[SigningKey]:
    """Those of a JWK set that can be used here; others are passed over (RFC 7517 §5).

    Raises OSError, Refused.
    """
    with file.open("rb") as opened:
        octets = opened.read(LARGEST_FILE)
    try:
        listed = json.loads(octets)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused(f"{file} is no JWK set") from None
    if not isinstance(listed, list):
        raise Refused(f"{file} is no JWK set")
    keys = []
    for each in listed:
        with suppress(*WRONG):
            if (known := _read_key(each)) is not None:
                keys.append(known)
    return keys


def _read_key(jwk: Mapping[str, Any]) -> SigningKey | None:
    """RFC 7518 §6, RFC 8037 §2; None for one that is for something else."""
    if jwk.get("use", "sig") != "sig":
        return None
    key: Key
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            key = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
            if key.key_size < LEAST_RSA:
                return None
        case "EC", "P-256":
            numbers = ec.EllipticCurvePublicNumbers(
                _number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()
            )
            key = numbers.public_key()
        case "OKP", "Ed25519":
            key = ed25519.Ed25519PublicKey.from_public_bytes(base64url(jwk["x"]))
        case _:
            return None
    return SigningKey(str(jwk.get("kid", "")), str(jwk.get("alg", "")), key)


def is_signed_by(key: Key, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """RFC 7518 §3, RFC 8037 §3: each algorithm has its kind of key."""
    try:
        match algorithm, key:
            case "RS256", rsa.RSAPublicKey():
                key.verify(signature, signed, padding.PKCS1v15(), SHA256())
            case "PS256", rsa.RSAPublicKey():
                pss = padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)
                key.verify(signature, signed, pss, SHA256())
            case "ES256", ec.EllipticCurvePublicKey() if len(signature) == 64:
                r, s = signature[:32], signature[32:]
                pair = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
                key.verify(pair, signed, ec.ECDSA(SHA256()))
            case "EdDSA", ed25519.Ed25519PublicKey():
                key.verify(signature, signed)
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def _number(text: object) -> int:
    return int.from_bytes(base64url(text))
