"""The rows: what is measured on each server."""

from __future__ import annotations

from bench.rows import imap, pop3, relay, smtp
from bench.rows.base import Row

ROWS: tuple[Row, ...] = (*smtp.ROWS, *relay.ROWS, *imap.ROWS, *pop3.ROWS)
