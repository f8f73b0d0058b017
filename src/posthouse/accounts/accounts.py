"""Accounts: who has mailboxes here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..store.mailboxes import create_default_mailboxes
from ..store.unit import Unit, Work, one_of, rows_of, run
from .directory import changed
from .domains import require_domain
from .errors import Conflict
from .kept import Kept, keep, with_key
from .names import canonical_address
from .presence import revoked
from .scram import ScramKey


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    address: str
    created: int  # seconds since 1970
    messages: int
    octets: int
    quota: int  # octets; 0: any
    disabled: bool  # nobody logs in
    legacy: bool  # its password can be read again


#: A number is given once, also to accounts that are removed: sessions may still know it.
_INSERT = """
INSERT INTO account (id, address, domain, password, created)
SELECT max(COALESCE((SELECT max(id) FROM account), 0),
           COALESCE((SELECT max(id) FROM removed_account), 0)) + 1, ?1, ?3, '', ?2
WHERE true
ON CONFLICT DO NOTHING
"""


#: A client that knew an account of this address sees that its mailboxes are others.
_AS_BEFORE = """
UPDATE account SET next_uid_validity = max(next_uid_validity, COALESCE(
    (SELECT max(next_uid_validity) FROM removed_account WHERE address = ?2), 0)) WHERE id = ?1
"""


def add_account(address: str, password: Kept | str, now: int) -> Unit[int]:
    """Add an account with its default mailboxes; its id. Of its password a hash will do.

    Raises NotAnAddress, Conflict.
    """
    wanted = canonical_address(address)

    def unit() -> Work[int]:
        yield from require_domain(wanted.rpartition("@")[2])
        account = yield from _add(wanted, password, now)
        if account is None:
            raise Conflict(
                f"the account {wanted} is there already;"
                f" for a new password: posthouse account password {wanted}"
            )
        return account

    return unit


def add_accounts(
    addresses: Sequence[str],
    password: Kept | str,
    now: int,
    keys: Mapping[str, ScramKey] | None = None,
) -> Unit[list[int]]:
    """Add those of many accounts that are not there yet; their ids. Raises as above.

    What is kept of the one password is made once and shared. So is its salt, if there are no `keys`
    for each canonical address: as nobody else's decoy has that salt, SCRAM then tells which names
    are accounts, until each has a password of its own.
    """
    wanted = list(dict.fromkeys(canonical_address(address) for address in addresses))

    def unit() -> Work[list[int]]:
        for domain in dict.fromkeys(address.rpartition("@")[2] for address in wanted):
            yield from require_domain(domain)
        added = []
        for address in wanted:
            its = password if keys is None else with_key(password, keys[address])
            account = yield from _add(address, its, now)
            if account is not None:
                added.append(account)
        return added

    return unit


def _add(address: str, password: Kept | str, now: int) -> Work[int | None]:
    if (yield from one_of("SELECT target FROM alias WHERE address = ?1", address)) is not None:
        raise Conflict(f"{address} is an alias; remove it first: posthouse alias remove {address}")
    if not (yield from run(_INSERT, address, now, address.rpartition("@")[2])):
        return None
    row = yield from one_of("SELECT id FROM account WHERE address = ?1", address)
    assert row is not None
    account: int = row[0]
    yield from run(_AS_BEFORE, account, address)
    yield from keep(account, password)
    yield from create_default_mailboxes(account, now)
    yield from changed()
    return account


def set_password(address: str, password: Kept | str) -> Unit[str]:
    """Replace a password by what is kept of another; the canonical address.

    Who came in by the old one is shut out. Raises NotAnAddress, Conflict.
    """
    wanted = canonical_address(address)

    def unit() -> Work[str]:
        row = yield from one_of("SELECT id FROM account WHERE address = ?1", wanted)
        if row is None:
            raise Conflict(f"there is no account {wanted}; see posthouse account list")
        yield from keep(row[0], password)
        yield from revoked(row[0])
        return wanted

    return unit


def set_disabled(address: str, disabled: bool) -> Unit[str]:
    """Let nobody log in as this account, or again; the canonical address.

    Its mail comes as before; who is in is shut out. Raises NotAnAddress, Conflict.
    """
    wanted = canonical_address(address)

    def unit() -> Work[str]:
        row = yield from one_of("SELECT id FROM account WHERE address = ?1", wanted)
        if row is None:
            raise Conflict(f"there is no account {wanted}; see posthouse account list")
        yield from run("UPDATE account SET disabled = ?2 WHERE id = ?1", row[0], int(disabled))
        yield from revoked(row[0])
        return wanted

    return unit


def set_quota(address: str, quota: int) -> Unit[str]:
    """Say how many octets an account may keep, 0 for any; the canonical address.

    Raises NotAnAddress, Conflict.
    """
    wanted = canonical_address(address)

    def unit() -> Work[str]:
        if not (yield from run("UPDATE account SET quota = ?2 WHERE address = ?1", wanted, quota)):
            raise Conflict(f"there is no account {wanted}; see posthouse account list")
        yield from changed()
        return wanted

    return unit


def list_accounts() -> Unit[list[Account]]:
    """All accounts with the size of their mail, by address."""

    def unit() -> Work[list[Account]]:
        rows = yield from rows_of(
            """
            SELECT account.id, account.address, account.created,
                   COALESCE(SUM(mailbox.messages), 0), COALESCE(SUM(mailbox.octets), 0),
                   account.quota, account.disabled, account.legacy
            FROM account LEFT JOIN mailbox ON mailbox.account = account.id
            GROUP BY account.id, account.address, account.created, account.quota,
                     account.disabled, account.legacy
            ORDER BY account.address
            """
        )
        return [Account(*row) for row in rows]

    return unit


def any_account() -> Unit[bool]:
    """Whether there is an account at all."""

    def unit() -> Work[bool]:
        return (yield from one_of("SELECT id FROM account LIMIT 1")) is not None

    return unit


def find_account(address: str) -> Unit[int | None]:
    """The id of the account with this canonical address."""

    def unit() -> Work[int | None]:
        row = yield from one_of("SELECT id FROM account WHERE address = ?1", address)
        return None if row is None else row[0]

    return unit
