"""BINARY: parts without their transfer encoding, messages with NULs (RFC 3516).

APPEND takes a literal8; what in it is binary is kept as BASE64 (§4.4).
"""

from __future__ import annotations

from ..extension import Extension
from ..fetch import binary

BINARY = Extension(
    rfc=3516,
    capability="BINARY",
    fetch_items={
        "BINARY": lambda reader: binary.binary(reader, peek=False),
        "BINARY.PEEK": lambda reader: binary.binary(reader, peek=True),
        "BINARY.SIZE": binary.binary_size,
    },
)
