"""Annotations of mailboxes (RFC 5464); those of the account as a whole are of the mailbox 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .changes import ACCOUNT, next_modseq, record_mailbox
from .messages.refusals import NoSuchMailbox
from .unit import Unit, Work, one_of, rows_of, run

MOST = 200  # of one mailbox


class TooManyAnnotations(Exception):
    """The mailbox has as many annotations as it may have."""


def annotations_of(
    account: int, mailbox: int, entries: Sequence[str], depth: int
) -> Unit[dict[str, bytes]]:
    """The values of these entries, and of those below them, so many levels deep."""

    def unit() -> Work[dict[str, bytes]]:
        rows = yield from rows_of(
            "SELECT entry, value FROM annotation WHERE account = ?1 AND mailbox = ?2"
            " ORDER BY entry",
            account,
            mailbox,
        )
        return {
            entry: value
            for entry, value in rows
            if any(_is_meant(entry, wanted, depth) for wanted in entries)
        }

    return unit


def _is_meant(entry: str, wanted: str, depth: int) -> bool:
    if entry == wanted:
        return True
    return entry.startswith(wanted + "/") and entry.count("/", len(wanted)) <= depth


def set_annotations(account: int, mailbox: int, values: Mapping[str, bytes | None]) -> Unit[None]:
    """Set or (None) remove entries: all or none. Raises TooManyAnnotations, NoSuchMailbox."""

    def unit() -> Work[None]:
        for entry, value in values.items():
            if value is None:
                yield from run(
                    "DELETE FROM annotation WHERE account = ?1 AND mailbox = ?2 AND entry = ?3",
                    account,
                    mailbox,
                    entry,
                )
                continue
            yield from run(
                "INSERT INTO annotation (account, mailbox, entry, value) VALUES (?1, ?2, ?3, ?4)"
                " ON CONFLICT (account, mailbox, entry) DO UPDATE SET value = excluded.value",
                account,
                mailbox,
                entry,
                value,
            )
        row = yield from one_of(
            "SELECT count(*) FROM annotation WHERE account = ?1 AND mailbox = ?2",
            account,
            mailbox,
        )
        if row is not None and row[0] > MOST:
            raise TooManyAnnotations
        modseq = yield from next_modseq(account)
        if mailbox != ACCOUNT:  # RFC 7162 §3.2
            there = yield from run(
                "UPDATE mailbox SET highest_modseq = ?3 WHERE account = ?1 AND id = ?2",
                account,
                mailbox,
                modseq,
            )
            if not there:  # it was deleted meanwhile
                raise NoSuchMailbox
        yield from record_mailbox(account, mailbox, modseq, "\n".join(sorted(values)))

    return unit


def forget_annotations(account: int, mailbox: int) -> Work[None]:
    """The mailbox is deleted."""
    yield from run("DELETE FROM annotation WHERE account = ?1 AND mailbox = ?2", account, mailbox)
