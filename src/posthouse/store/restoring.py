"""What mail clients are told after a restore: that nothing they remember holds.

Which UIDs, UIDVALIDITYs, mod-sequences and mailbox ids were given out after the backup was made is
not known any more. All mailboxes get a new UIDVALIDITY, larger than any that can have been given
(RFC 3501 §2.3.1.1), and what counts up goes on from far above.
"""

from __future__ import annotations

from .changes import record_mailbox
from .mailboxes import LATEST
from .unit import Unit, Work, rows_of, run

MAILBOXES = 1000  # of one account that may have been made since, faster than one a second
CHANGES = 1_000_000_000  # that may have been made since


def renew_validities(now: int) -> Unit[int]:
    """Every mailbox begins anew for its readers; gives how many mailboxes. Nobody may serve."""

    def unit() -> Work[int]:
        accounts = yield from rows_of(
            "UPDATE account SET modseq = modseq + ?2, next_mailbox = next_mailbox + ?3,"
            " next_uid_validity = max(next_uid_validity, ?1) + ?3"
            " RETURNING id, modseq, next_uid_validity",
            min(now, LATEST),
            CHANGES,
            MAILBOXES,
        )
        renewed = 0
        for account, modseq, uid_validity in accounts:
            renewed += yield from _renew(account, modseq, uid_validity)
        return renewed

    return unit


def _renew(account: int, modseq: int, uid_validity: int) -> Work[int]:
    """Each has one of its own; a name that was vacated may have had those before."""
    rows = yield from rows_of("SELECT id FROM mailbox WHERE account = ?1 ORDER BY id", account)
    for place, (mailbox,) in enumerate(rows):
        yield from run(
            "UPDATE mailbox SET uid_validity = ?3, highest_modseq = ?4"
            " WHERE account = ?1 AND id = ?2",
            account,
            mailbox,
            uid_validity + place,
            modseq,
        )
        yield from record_mailbox(account, mailbox, modseq)
    yield from run(
        "UPDATE account SET next_uid_validity = ?2, vacated_validity = ?3 WHERE id = ?1",
        account,
        uid_validity + len(rows),
        uid_validity - 1,
    )
    return len(rows)
