"""What is kept of a password: its hash, keys for SCRAM, and for old programs itself, sealed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..store.unit import Work, run
from .credentials import Hasher, UnfitPassword, prepare
from .legacy import Vault
from .scram import SHA_1, SHA_256, ScramKey, keep_keys, make_key


@dataclass(frozen=True, slots=True)
class Kept:
    hash: str  # Argon2id
    keys: tuple[ScramKey, ...] = ()
    secret: bytes = b""  # sealed; empty: it cannot be read again


def make_kept(
    password: str, hasher: Hasher, iterations: int, address: str = "", vault: Vault | None = None
) -> Kept:
    """Of a new password; with a vault also what old programs need. Raises UnfitPassword."""
    hash_ = hasher.hash(password)
    keys = [make_key(password, SHA_256, iterations)]
    if vault is None:
        return Kept(hash_, tuple(keys))
    octets = prepare(password)
    if octets is None:
        raise UnfitPassword("no password")
    keys.append(make_key(password, SHA_1, iterations))
    return Kept(hash_, tuple(keys), vault.seal(address, octets))


def with_key(kept: Kept | str, key: ScramKey) -> Kept:
    """The same, with this key alone for SCRAM."""
    if isinstance(kept, str):
        return Kept(kept, (key,))
    return replace(kept, keys=(key,))


def keep(account: int, kept: Kept | str) -> Work[None]:
    """Part of a unit: an account's new password, and nothing of the one before.

    A hash alone will do, for log-ins by PLAIN and LOGIN.
    """
    if isinstance(kept, str):
        kept = Kept(kept)
    yield from run("UPDATE account SET password = ?2 WHERE id = ?1", account, kept.hash)
    yield from keep_keys(account, kept.keys)
    yield from run("DELETE FROM legacy_secret WHERE account = ?1", account)
    if kept.secret:
        yield from run(
            "INSERT INTO legacy_secret (account, secret) VALUES (?1, ?2)", account, kept.secret
        )
    yield from run("UPDATE account SET legacy = ?2 WHERE id = ?1", account, int(bool(kept.secret)))
