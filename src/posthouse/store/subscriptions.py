"""Subscriptions (RFC 3501 §6.3.6): names that an account wants to see, of mailboxes or not."""

from __future__ import annotations

from .changes import ACCOUNT, next_modseq, record_mailbox
from .unit import Unit, Work, one_of, rows_of, run

MOST_SUBSCRIPTIONS = 20_000  # of an account: names, which need not be mailboxes


class TooManySubscriptions(Exception):
    """The account is subscribed to as many names as it may be."""


def list_subscriptions(account: int) -> Unit[list[str]]:
    """The names subscribed to, whether there are such mailboxes or not."""

    def unit() -> Work[list[str]]:
        rows = yield from rows_of(
            "SELECT name FROM subscription WHERE account = ?1 ORDER BY name", account
        )
        return [row[0] for row in rows]

    return unit


def subscribe(account: int, name: str) -> Unit[None]:
    """SUBSCRIBE (RFC 3501 §6.3.6). Raises TooManySubscriptions."""

    def unit() -> Work[None]:
        if not (yield from insert_subscription(account, name)):
            return
        row = yield from one_of("SELECT count(*) FROM subscription WHERE account = ?1", account)
        if row is not None and row[0] > MOST_SUBSCRIPTIONS:
            raise TooManySubscriptions
        yield from _subscriptions_changed(account)

    return unit


def insert_subscription(account: int, name: str) -> Work[int]:
    """A part of larger units; 1 if it is a new one."""
    return (
        yield from run(
            "INSERT OR IGNORE INTO subscription (account, name) VALUES (?1, ?2)", account, name
        )
    )


def unsubscribe(account: int, name: str) -> Unit[bool]:
    """UNSUBSCRIBE (RFC 3501 §6.3.7); False if the name was not subscribed to."""

    def unit() -> Work[bool]:
        changed = yield from run(
            "DELETE FROM subscription WHERE account = ?1 AND name = ?2", account, name
        )
        if changed:
            yield from _subscriptions_changed(account)
        return changed > 0

    return unit


def _subscriptions_changed(account: int) -> Work[None]:
    modseq = yield from next_modseq(account)
    yield from record_mailbox(account, ACCOUNT, modseq)
