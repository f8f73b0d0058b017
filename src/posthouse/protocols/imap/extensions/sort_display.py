"""SORT=DISPLAY: in the order of the names that people see (RFC 5957)."""

from __future__ import annotations

from ..extension import Extension

SORT_DISPLAY = Extension(
    rfc=5957,
    capability="SORT=DISPLAY",
    sort_keys={"DISPLAYFROM": "author_shown", "DISPLAYTO": "recipient_shown"},  # §4
)
