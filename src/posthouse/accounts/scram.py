"""Keys for SCRAM, made from a password and kept in its place (RFC 5802 §3, RFC 7677)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from dataclasses import dataclass

from ..store.unit import Unit, Work, one_of, run, run_many
from .credentials import PASSWORD_LIMIT, prepare

SHA_256 = "SHA-256"
SHA_1 = "SHA-1"
ITERATIONS = 50_000  # Cyrus SASL, in many clients, refuses more than 65,536
SALT = 16  # octets

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


@dataclass(frozen=True, slots=True)
class ScramKey:
    """What the server keeps (RFC 5802 §2.1)."""

    hash: str
    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


def make_key(password: str, hash_: str, iterations: int) -> ScramKey:
    """RFC 5802 §3, with a new salt. It takes tens of milliseconds: never on the loop."""
    digest = hash_.replace("-", "").lower()
    salt = secrets.token_bytes(SALT)
    salted = hashlib.pbkdf2_hmac(digest, saslprep(password), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", digest)
    return ScramKey(
        hash_,
        salt,
        iterations,
        hashlib.new(digest, client_key).digest(),
        hmac.digest(salted, b"Server Key", digest),
    )


def saslprep(password: str) -> bytes:
    """RFC 4013 §2, as clients prepare it for SCRAM; as it is where that forbids it.

    A client that prepares nothing sends the same octets for all that is ASCII.
    """
    if password.isascii():
        return password.encode("ascii")
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else c
        for c in password[:PASSWORD_LIMIT]
        if not stringprep.in_table_b1(c)
    )
    text = unicodedata.normalize("NFKC", mapped)
    if not text or any(table(c) for c in text for table in _PROHIBITED) or not _one_way(text):
        return prepare(password) or password.encode("utf-8", "surrogatepass")
    return text.encode("utf-8")


def _one_way(text: str) -> bool:
    """RFC 3454 §6: text from right to left is all so, and begins and ends so."""
    if not any(map(stringprep.in_table_d1, text)):
        return True
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return ends and not any(map(stringprep.in_table_d2, text))


# Units of work


def keep_keys(account: int, keys: tuple[ScramKey, ...]) -> Work[None]:
    """Part of a unit: these keys and no others."""
    yield from run("DELETE FROM scram_keys WHERE account = ?1", account)
    yield from run_many(
        "INSERT INTO scram_keys (account, hash, salt, iterations, stored_key, server_key)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        [
            (account, key.hash, key.salt, key.iterations, key.stored_key, key.server_key)
            for key in keys
        ],
    )
    complete = any(key.hash == SHA_256 for key in keys)
    yield from run("UPDATE account SET scram = ?2 WHERE id = ?1", account, int(complete))


def learn_key(account: int, password: str, key: ScramKey) -> Unit[None]:
    """Keep the key of a password that was right, if it is still the account's."""

    def unit() -> Work[None]:
        row = yield from one_of(
            "SELECT id FROM account WHERE id = ?1 AND password = ?2 AND scram = 0",
            account,
            password,
        )
        if row is not None:
            yield from keep_keys(account, (key,))

    return unit


def find_key(address: str, hash_: str) -> Unit[ScramKey | None]:
    """The key of the account with this canonical address."""

    def unit() -> Work[ScramKey | None]:
        row = yield from one_of(
            "SELECT hash, salt, iterations, stored_key, server_key FROM account"
            " JOIN scram_keys ON account = id WHERE address = ?1 AND hash = ?2 AND disabled = 0",
            address,
            hash_,
        )
        return None if row is None else ScramKey(*row)

    return unit


def decoy_secret() -> Unit[bytes]:
    """From which the salts of users are made who do not exist."""

    def unit() -> Work[bytes]:
        row = yield from one_of("SELECT value FROM fact WHERE name = 'decoy'")
        assert row is not None, "the schema puts it there"
        return bytes.fromhex(row[0])

    return unit


def decoy(secret: bytes, user: str, hash_: str, iterations: int) -> ScramKey:
    """What a user is shown who does not exist: always the same salt, and keys of no password."""
    size = hashlib.new(hash_.replace("-", "").lower()).digest_size
    return ScramKey(
        hash_,
        hmac.digest(secret, f"{hash_}\0{user}".encode(), "sha256")[:SALT],
        iterations,
        secrets.token_bytes(size),
        secrets.token_bytes(size),
    )
