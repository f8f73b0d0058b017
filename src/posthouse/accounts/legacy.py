"""Passwords that can be read again, for CRAM-MD5 and APOP: only of accounts that ask for it.

They lie in the database under a key that lies in a file beside it, so that a copy of the database
alone gives none away.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ..store.unit import Unit, Work, one_of

KEY_FILE = "legacy.key"
_KEY = 32  # octets (AES-256)
_NONCE = 12


class NoKey(Exception):
    """The key file is not there, or is not ours."""


class Vault:
    """Seals passwords and opens them."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / KEY_FILE
        self._key = b""

    def seal(self, address: str, password: bytes) -> bytes:
        """A password for the database; the first one makes the key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._load(make=True)).encrypt(nonce, password, address.encode())

    def open(self, address: str, sealed: bytes) -> bytes:
        """The password again. Raises NoKey."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, octets = sealed[:_NONCE], sealed[_NONCE:]
        try:
            return AESGCM(self._load(make=False)).decrypt(nonce, octets, address.encode())
        except InvalidTag:
            raise NoKey(f"{self._file} is not the key of what is in the database") from None

    def _load(self, make: bool) -> bytes:
        if self._key:
            return self._key
        if make and not self._file.exists():
            self._make()
        try:
            key = self._file.read_bytes()
        except OSError as error:
            raise NoKey(f"{self._file}: {error.strerror}") from None
        if len(key) != _KEY:
            raise NoKey(f"{self._file} is no key")
        self._key = key
        return key

    def _make(self) -> None:
        """The whole file or none, readable by us alone; of two that make one, one wins."""
        new = self._file.with_name(f"{KEY_FILE}.{os.getpid()}")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, self._file)
        except FileExistsError:
            pass
        finally:
            new.unlink()
        folder = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def find_secret(address: str) -> Unit[bytes | None]:
    """The sealed password of the account with this canonical address."""

    def unit() -> Work[bytes | None]:
        row = yield from one_of(
            "SELECT secret FROM account JOIN legacy_secret ON account = id"
            " WHERE address = ?1 AND legacy = 1 AND disabled = 0",
            address,
        )
        return None if row is None else row[0]

    return unit


def is_legacy(address: str) -> Unit[bool]:
    """Whether the account keeps its password so that it can be read again."""

    def unit() -> Work[bool]:
        row = yield from one_of("SELECT legacy FROM account WHERE address = ?1", address)
        return row is not None and bool(row[0])

    return unit
