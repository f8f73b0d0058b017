"""App passwords: one for each program, for some of the services, withdrawn without the others."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from ..store.unit import Unit, Work, one_of, rows_of, run
from .credentials import ALPHABET
from .errors import Conflict
from .names import canonical_address
from .presence import revoked

SCOPES = ("smtp", "imap", "pop3")
PREFIX = 6  # characters by which it is found; the others are 90 bits
LENGTH = 24
MOST = 50  # of an account
NAME_LIMIT = 100  # characters
FRESH = 600  # seconds within which a use is not noted again


@dataclass(frozen=True, slots=True)
class AppPassword:
    name: str
    scopes: tuple[str, ...]
    created: int
    used: int  # 0: never


def invent_app_password() -> str:
    """A new one."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def prefix_of(password: str) -> str:
    """By what it is found; empty if it is none of ours."""
    return password[:PREFIX] if len(password) == LENGTH else ""


def add_app_password(
    address: str, name: str, scopes: Sequence[str], prefix: str, password: str, now: int
) -> Unit[str]:
    """Add one, of which `password` is a hash; the canonical address.

    Raises NotAnAddress, Conflict.
    """
    wanted = canonical_address(address)
    if not name.isprintable() or not 0 < len(name) <= NAME_LIMIT:
        raise Conflict(f"a name has 1 to {NAME_LIMIT} characters that can be printed")

    def unit() -> Work[str]:
        account = yield from _account(wanted)
        row = yield from one_of("SELECT count(*) FROM app_password WHERE account = ?1", account)
        if row is not None and row[0] >= MOST:
            raise Conflict(f"{wanted} has {MOST} app passwords; revoke some that are not used")
        added = yield from run(
            "INSERT INTO app_password (account, prefix, name, scopes, password, created)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            account,
            prefix,
            name,
            " ".join(scope for scope in SCOPES if scope in scopes),
            password,
            now,
        )
        if not added:
            raise Conflict(f"{wanted} has an app password {name} already")
        return wanted

    return unit


def list_app_passwords(address: str) -> Unit[list[AppPassword]]:
    """Those of an account, by name. Raises NotAnAddress, Conflict."""
    wanted = canonical_address(address)

    def unit() -> Work[list[AppPassword]]:
        account = yield from _account(wanted)
        rows = yield from rows_of(
            "SELECT name, scopes, created, used FROM app_password WHERE account = ?1 ORDER BY name",
            account,
        )
        return [AppPassword(name, tuple(scopes.split()), *times) for name, scopes, *times in rows]

    return unit


def revoke_app_password(address: str, name: str) -> Unit[str]:
    """Withdraw one, and shut out who came in by it; the canonical address.

    Raises NotAnAddress, Conflict.
    """
    wanted = canonical_address(address)

    def unit() -> Work[str]:
        account = yield from _account(wanted)
        if not (
            yield from run(
                "DELETE FROM app_password WHERE account = ?1 AND name = ?2", account, name
            )
        ):
            raise Conflict(
                f"{wanted} has no app password {name};"
                f" see posthouse account app-password list {wanted}"
            )
        yield from revoked(account)
        return wanted

    return unit


def note_use(account: int, prefix: str, now: int) -> Unit[None]:
    """It has let somebody in."""

    def unit() -> Work[None]:
        yield from run(
            "UPDATE app_password SET used = ?3 WHERE account = ?1 AND prefix = ?2 AND used < ?3",
            account,
            prefix,
            now,
        )

    return unit


def _account(address: str) -> Work[int]:
    row = yield from one_of("SELECT id FROM account WHERE address = ?1", address)
    if row is None:
        raise Conflict(f"there is no account {address}; see posthouse account list")
    return int(row[0])
