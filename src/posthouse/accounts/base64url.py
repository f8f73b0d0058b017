"""What tokens and keys are written in: base64url without padding (RFC 7515 §2)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode

_base64url = re.compile(r"[A-Za-z0-9_-]*").fullmatch


class Refused(Exception):
    """The token admits nobody; the text says why."""


def base64url(text: object) -> bytes:
    """Raises Refused."""
    if not isinstance(text, str) or _base64url(text) is None or len(text) % 4 == 1:
        raise Refused("not base64url")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
