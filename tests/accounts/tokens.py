"""Tokens for tests, good and forged."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ISSUER, AUDIENCE = "https://login.example", "mail"
NOW = 1_000_000
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 600, "email": "ann@example.org"}

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
KEYS = {"RS256": RSA, "PS256": RSA, "ES256": EC, "EdDSA": ED}


def encode(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8))


def jwk_set() -> dict[str, Any]:
    of_rsa, of_ec = RSA.public_key().public_numbers(), EC.public_key().public_numbers()
    x, y = (encode(n.to_bytes(32)) for n in (of_ec.x, of_ec.y))
    return {
        "keys": [
            {"kty": "RSA", "kid": "rsa", "n": number(of_rsa.n), "e": number(of_rsa.e)},
            {"kty": "EC", "kid": "ec", "crv": "P-256", "x": x, "y": y, "use": "sig"},
            {
                "kty": "OKP",
                "kid": "ed",
                "crv": "Ed25519",
                "x": encode(ED.public_key().public_bytes_raw()),
            },
            {"kty": "oct", "kid": "shared", "k": encode(b"never used")},
        ]
    }


def sign(algorithm: str, signed: bytes) -> bytes:
    match algorithm:
        case "RS256":
            return RSA.sign(signed, padding.PKCS1v15(), SHA256())
        case "PS256":
            return RSA.sign(signed, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        case "ES256":
            r, s = decode_dss_signature(EC.sign(signed, ec.ECDSA(SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
        case "EdDSA":
            return ED.sign(signed)
    return b""


def token(
    algorithm: str = "RS256",
    header: Mapping[str, Any] | None = None,
    claims: Mapping[str, Any] | None = None,
    signature: bytes | None = None,
    **changes: Any,
) -> str:
    """A signed token; `changes` are made to its claims."""
    head = {"alg": algorithm, **(header or {})}
    body = {**(CLAIMS if claims is None else claims), **changes}
    signed = ".".join(encode(json.dumps(part).encode()) for part in (head, body))
    octets = sign(algorithm, signed.encode()) if signature is None else signature
    return f"{signed}.{encode(octets)}"
