"""Who has mailboxes that are read: the same on every server."""

from __future__ import annotations

DOMAIN = "bench.example"
READER = f"reader@{DOMAIN}"
POP3_READERS = tuple([f"pop{number}@{DOMAIN}" for number in range(5)])
NEWCOMERS = tuple([f"new{number}@{DOMAIN}" for number in range(60)])  # each logs in once

READERS = (
    READER,
    *(f"{name}@{DOMAIN}" for name in ("thousand", "many", "mix")),
    *POP3_READERS,
    *NEWCOMERS,
)
