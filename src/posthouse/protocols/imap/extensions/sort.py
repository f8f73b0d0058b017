"""SORT: what a search finds, in an order (RFC 5256)."""

from __future__ import annotations

from ..commands.sort import SORT as COMMAND
from ..commands.sort import uid_sort
from ..extension import Extension

SORT = Extension(
    rfc=5256, capability="SORT", commands={"SORT": COMMAND}, uid_commands={"SORT": uid_sort}
)
