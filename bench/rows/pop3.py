"""What a mailbox of 10,000 letters is asked over POP3."""

from __future__ import annotations

from bench.rows.base import Row

ROWS: tuple[Row, ...] = ()
