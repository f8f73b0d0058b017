"""The octets that POP3 sends of a message, found once and then kept with it.

They are not those that were filed where the last line has no end (RFC 1939 §3 gives it one), and
where a client that has not said UTF8 gets a surrogate (RFC 6858).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from posthouse.message.surrogate import is_conventional, surrogate

from .contents import ContentDamaged, read_content
from .messages.rows import INBOX
from .unit import Unit, Work, one_of, rows_of, run_many

LARGEST = 10 * 1024 * 1024  # octets of a message of which a surrogate is made: it is in memory
NO_SURROGATE = -1


class Measure(NamedTuple):
    sent: int
    surrogate: int  # 0: everybody gets the same; NO_SURROGATE: some get nothing


@dataclass(frozen=True, slots=True)
class Large:
    """A message whose content lies in a file."""

    uid: int
    prefix: bytes
    file: str
    size: int  # octets of the content


def measure(message: bytes) -> Measure:
    """Look at a message as it was filed."""
    sent = ended(message)
    if is_conventional(message):
        return Measure(sent, 0)
    if len(message) > LARGEST:
        return Measure(sent, NO_SURROGATE)
    return Measure(sent, ended(surrogate(message)))


def ended(message: bytes) -> int:
    """Octets with the end of the last line."""
    return len(message) + (2 if message and not message.endswith(b"\r\n") else 0)


def measure_messages(
    account: int, uids: Sequence[int]
) -> Unit[tuple[dict[int, Measure], list[Large]]]:
    """Look at these messages of the INBOX (UIDs ascending), but for the large ones.

    What is damaged is left out: the others are there all the same.
    """

    def unit() -> Work[tuple[dict[int, Measure], list[Large]]]:
        measures = yield from _plain(account, uids[0], uids[-1])
        large: list[Large] = []
        for uid in uids:
            if uid in measures:
                continue
            row = yield from one_of(
                "SELECT prefix, content FROM message"
                " WHERE account = ?1 AND mailbox = ?2 AND uid = ?3",
                account,
                INBOX,
                uid,
            )
            try:
                stored = None if row is None else (yield from read_content(row[1]))
            except ContentDamaged:
                continue
            if row is None or stored is None:
                continue
            if stored.octets is not None:
                measures[uid] = measure(row[0] + stored.octets)
            elif stored.file is not None:
                large.append(Large(uid, row[0], stored.file, stored.size))
        return measures, large

    return unit


def _plain(account: int, first: int, last: int) -> Work[dict[int, Measure]]:
    """Those that need not be read for it."""
    rows = yield from rows_of(
        "SELECT uid, prefix, c.size FROM message AS m JOIN content AS c ON c.id = m.content"
        " WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4"
        " AND sent_size IS NULL AND plain = 1",
        account,
        INBOX,
        first,
        last,
    )
    return {uid: Measure(len(prefix) + size, 0) for uid, prefix, size in rows if prefix.isascii()}


def note_measures(account: int, measures: dict[int, Measure]) -> Unit[None]:
    """Keep them with the messages."""

    def unit() -> Work[None]:
        yield from run_many(
            "UPDATE message SET sent_size = ?4, surrogate_size = ?5"
            " WHERE account = ?1 AND mailbox = ?2 AND uid = ?3",
            [(account, INBOX, uid, *found) for uid, found in measures.items()],
        )

    return unit
