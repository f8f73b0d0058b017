"""Tokens of an authorization server: JWTs (RFC 7519) signed with its keys (RFC 7515, RFC 7517).

What a token says of its own keys (`jku`, `x5u`, `jwk`) is never looked at; its `kid` is compared
and nothing else. The keys come from one file, which is read again when it has changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from .base64url import Refused, base64url

if TYPE_CHECKING:  # loaded only where there are tokens
    from .jwk import SigningKey

LEEWAY = 60  # seconds that clocks may differ
LARGEST = 8192  # octets of a token
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")


@dataclass(frozen=True, slots=True)
class Settings:
    issuer: str
    audience: str
    keys: Path  # a JWK set (RFC 7517 §5)
    claim: str = "email"  # the one that names the account
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")


class Tokens:
    """Checks tokens against the keys of one issuer."""

    def __init__(self, settings: Settings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._known: list[SigningKey] = []
        self._version: tuple[int, int, int] | None = None

    def check(self, token: str) -> str:
        """The name of whom it admits. Raises Refused; OSError when there are no keys."""
        from .jwk import is_signed_by

        if len(token) > LARGEST or not token.isascii():
            raise Refused("too large, or not ASCII")
        parts = token.split(".")
        if len(parts) != 3:
            raise Refused("not a token of three parts")
        header = _object(parts[0])
        algorithm, kid = header.get("alg"), header.get("kid", "")
        if algorithm not in self._settings.algorithms or algorithm not in ALGORITHMS:
            raise Refused("its algorithm is not allowed")
        if "crit" in header or "b64" in header:  # RFC 7515 §4.1.11
            raise Refused("it asks for something that is not known")
        signed, signature = f"{parts[0]}.{parts[1]}".encode("ascii"), base64url(parts[2])
        keys = [
            each.key
            for each in self._keys()
            if (not kid or each.id == kid) and each.algorithm in ("", algorithm)
        ]
        if not any(is_signed_by(key, str(algorithm), signed, signature) for key in keys):
            raise Refused("not signed by the issuer")
        return self._admitted(_object(parts[1]))

    def _admitted(self, claims: Mapping[str, Any]) -> str:
        """RFC 7519 §4.1, of a token whose signature is right."""
        now, settings = self._now(), self._settings
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires, begins = claims.get("exp"), claims.get("nbf", 0)
        if claims.get("iss") != settings.issuer:
            raise Refused("of another issuer")
        if settings.audience not in audiences:
            raise Refused("for another audience")
        if not _is_number(expires) or now >= expires + LEEWAY:
            raise Refused("expired")
        if not _is_number(begins) or now < begins - LEEWAY:
            raise Refused("not valid yet")
        if settings.claim == "email" and claims.get("email_verified", True) is not True:
            raise Refused("its address is not verified")
        name = claims.get(settings.claim)
        if not isinstance(name, str) or not name:
            raise Refused(f"it names nobody in {settings.claim}")
        return name

    def _keys(self) -> list[SigningKey]:
        found = self._settings.keys.stat()
        version = (found.st_mtime_ns, found.st_size, found.st_ino)
        if version != self._version:
            from .jwk import read_keys

            self._known = read_keys(self._settings.keys)
            self._version = version
        return self._known


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(base64url(part))
    except (ValueError, RecursionError):
        raise Refused("not JSON") from None
    if not isinstance(found, dict):
        raise Refused("not an object")
    return found


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
