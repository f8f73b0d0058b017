"""What a site asks of those who read by POP3 (RFC 2449 §6.5, §6.7)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Before the login the strictest for any user, then the user's own."""

    login_delay: int | None = None  # seconds from a login to the next; None: not asked for
    login_delay_varies: bool = False  # others may have a smaller one
    expire: int | None = None  # days that retrieved messages stay; None: for ever
    expire_varies: bool = False  # others may have more


LENIENT = Policy()
