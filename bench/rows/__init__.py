"""The rows: what is measured on each server."""

from __future__ import annotations

from bench.rows import imap, imap_change, limits, lmtp, pop3, relay, smtp
from bench.rows.base import Row

ROWS: tuple[Row, ...] = (
    *limits.ROWS,
    *smtp.ROWS,
    *lmtp.ROWS,
    *relay.ROWS,
    *imap.ROWS,
    *imap_change.ROWS,
    *pop3.ROWS,
)
