"""Passwords as they are kept: Argon2id in the PHC string form (RFC 9106)."""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError
from argon2.low_level import Type

PASSWORD_LIMIT = 1024  # octets
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # without characters that are hard to tell apart


class UnfitPassword(ValueError):
    """It cannot be a password."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a hash costs (RFC 9106 §3.1)."""

    memory: int = 64 * 1024  # KiB
    passes: int = 3
    lanes: int = 1


class Hasher:
    """Makes hashes and compares with them. Each takes tens of milliseconds: never on the loop."""

    def __init__(self, parameters: Parameters = Parameters()) -> None:
        self._argon2 = PasswordHasher(
            time_cost=parameters.passes,
            memory_cost=parameters.memory,
            parallelism=parameters.lanes,
            type=Type.ID,
        )

    def hash(self, password: str) -> str:
        """A new password's hash. Raises UnfitPassword."""
        prepared = prepare(password)
        if prepared is None:
            raise UnfitPassword(
                f"a password has 1 to {PASSWORD_LIMIT} octets and no control characters"
            )
        try:
            return self._argon2.hash(prepared)
        except HashingError as error:  # no memory, as a rule
            raise UnfitPassword(
                f"the password cannot be hashed: {error}; see passwords.memory"
            ) from None

    def verify(self, stored: str, password: bytes) -> bool:
        """Whether a prepared password has this hash. The comparison takes constant time."""
        try:
            return self._argon2.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def prepare(password: str) -> bytes | None:
    """The octets of a password (RFC 8265 §4.2, OpaqueString); None if it cannot be one."""
    if password.isascii():
        text = password
    else:
        spaces = (
            (" " if unicodedata.category(c) == "Zs" else c) for c in password[:PASSWORD_LIMIT]
        )
        text = unicodedata.normalize("NFC", "".join(spaces))
    if not text.isprintable():
        return None
    octets = text.encode("utf-8")
    if not 0 < len(octets) <= PASSWORD_LIMIT or len(password) > PASSWORD_LIMIT:
        return None
    return octets


def invent() -> str:
    """A new random password of 96 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(20))


def fingerprint(key: bytes, *parts: bytes) -> bytes:
    """A keyed digest of parts, none of which can run into the next."""
    digest = hmac.new(key, digestmod="sha256")
    for part in parts:
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()
