"""What the database knows of those who want to come in; short reads by key."""

from __future__ import annotations

from dataclasses import dataclass

from ..store.unit import Unit, Work, one_of
from .app_passwords import prefix_of


@dataclass(frozen=True, slots=True)
class Abilities:
    """By what accounts can be asked."""

    scram: bool  # all of them have keys for SCRAM-SHA-256
    legacy: bool  # some keep their password for old programs


@dataclass(frozen=True, slots=True)
class Entrance:
    account: int
    address: str
    disabled: bool
    scram: bool
    password: str  # its hash


@dataclass(frozen=True, slots=True)
class Candidate:
    """A hash that the password may have."""

    hash: str
    prefix: str = ""  # of an app password
    used: int = 0


@dataclass(frozen=True, slots=True)
class Candidates:
    entrance: Entrance
    candidates: tuple[Candidate, ...]


# Each looks into an index that has the exceptions alone.
_ABILITIES = """
SELECT NOT EXISTS (SELECT 1 FROM account WHERE scram = 0),
       EXISTS (SELECT 1 FROM account WHERE legacy = 1)
"""

_ACCOUNT = "SELECT id, address, disabled, scram, password FROM account WHERE address = ?1"


def abilities() -> Unit[Abilities]:
    """Of all accounts, now."""

    def unit() -> Work[Abilities]:
        row = yield from one_of(_ABILITIES)
        assert row is not None
        return Abilities(bool(row[0]), bool(row[1]))

    return unit


def find_account(address: str) -> Unit[Entrance | None]:
    """The account with this canonical address."""

    def unit() -> Work[Entrance | None]:
        row = yield from one_of(_ACCOUNT, address)
        return None if row is None else Entrance(row[0], row[1], bool(row[2]), bool(row[3]), row[4])

    return unit


def find_candidates(address: str, password: str, service: str) -> Unit[Candidates | None]:
    """The hashes that this password may have: an app password's for the service, the account's."""

    def unit() -> Work[Candidates | None]:
        row = yield from one_of(_ACCOUNT, address)
        if row is None:
            return None
        found = [Candidate(row[4])]
        prefix = prefix_of(password)
        if prefix and service:
            app = yield from one_of(
                "SELECT password, used, scopes FROM app_password"
                " WHERE account = ?1 AND prefix = ?2",
                row[0],
                prefix,
            )
            if app is not None and service in app[2].split():
                found.insert(0, Candidate(app[0], prefix, app[1]))
        entrance = Entrance(row[0], row[1], bool(row[2]), bool(row[3]), row[4])
        return Candidates(entrance, tuple(found))

    return unit
