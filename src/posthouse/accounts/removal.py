"""An account's end: what it has is listed, so that it can be copied, and then removed."""

from __future__ import annotations

from dataclasses import dataclass

from ..store.contents import Stored, read_content
from ..store.messages.expunge import expunge
from ..store.unit import Unit, Work, one_of, rows_of, run, tell
from .directory import changed
from .errors import Conflict
from .names import canonical_address
from .presence import revoked

#: What bears the account's number and goes with it. Tombstones stay until they are swept: they let
#: go of the contents.
_TABLES = (
    "mailbox",
    "subscription",
    "change",
    "scram_keys",
    "legacy_secret",
    "app_password",
    "annotation",
    "pop3_login",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message of an account."""

    mailbox: int
    uid: int
    flags: str
    arrived: int
    prefix: bytes
    content: int


@dataclass(frozen=True, slots=True)
class Estate:
    """All that an account has, as of a mod-sequence."""

    account: int
    address: str
    modseq: int
    mailboxes: dict[int, str]
    messages: list[Kept]


def estate(address: str) -> Unit[Estate]:
    """What is there to be copied. Raises NotAnAddress, Conflict."""
    wanted = canonical_address(address)

    def unit() -> Work[Estate]:
        row = yield from one_of("SELECT id, modseq FROM account WHERE address = ?1", wanted)
        if row is None:
            raise Conflict(f"there is no account {wanted}; see posthouse account list")
        account, modseq = row
        mailboxes = yield from rows_of("SELECT id, name FROM mailbox WHERE account = ?1", account)
        messages = yield from rows_of(
            "SELECT mailbox, uid, flags, internal_date, prefix, content FROM message"
            " WHERE account = ?1 ORDER BY mailbox, uid",
            account,
        )
        names = {int(number): str(name) for number, name in mailboxes}
        return Estate(account, wanted, modseq, names, [Kept(*each) for each in messages])

    return unit


def content_of(content: int) -> Unit[Stored | None]:
    """One message's octets, or where they lie."""

    def unit() -> Work[Stored | None]:
        return (yield from read_content(content))

    return unit


def remove_account(found: Estate, now: int) -> Unit[bool]:
    """Remove what was listed; False if something has been added or changed since.

    Raises Conflict while letters for it wait in the queue.
    """
    account = found.account

    def unit() -> Work[bool]:
        row = yield from one_of(
            "SELECT modseq, max(next_uid_validity, vacated_validity + 1) FROM account"
            " WHERE id = ?1",
            account,
        )
        if row is None or row[0] != found.modseq:
            return False
        waiting = yield from one_of(
            "SELECT message FROM queue_recipient WHERE account = ?1"
            " AND state IN ('held', 'ready', 'leased', 'deferred') LIMIT 1",
            account,
        )
        if waiting is not None:
            raise Conflict(
                f"letters for {found.address} wait to be delivered; see posthouse queue list"
            )
        for mailbox in found.mailboxes:
            yield from expunge(account, mailbox, None, now, deleted_only=False)
        for table in _TABLES:
            yield from run(f"DELETE FROM {table} WHERE account = ?1", account)  # noqa: S608
        yield from run("DELETE FROM account WHERE id = ?1", account)
        yield from run(
            "INSERT INTO removed_account (id, address, removed, next_uid_validity)"
            " VALUES (?1, ?2, ?3, ?4)",
            account,
            found.address,
            now,
            row[1],
        )
        yield from tell("account", account, found.modseq + 1)
        yield from revoked(account)
        yield from changed()
        return True

    return unit
