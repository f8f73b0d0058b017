"""Inputs that are kept: those that once went wrong, and those that show more than the first ones.

The former one file each, `corpus/<target>/<hash of the octets>`; the latter `kept/<target>`, each
a line in Base64, no more than a bound for each target.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
KEPT = Path(__file__).parent / "kept"


def files() -> Iterator[tuple[str, Path]]:
    """Each with the name of its target."""
    for path in sorted(FOLDER.glob("*/*")):
        yield path.parent.name, path


def inputs(target: str) -> list[bytes]:
    return [path.read_bytes() for name, path in files() if name == target]


def save(target: str, octets: bytes) -> Path:
    path = FOLDER / target / hashlib.sha256(octets).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return path


def kept(target: str) -> list[bytes]:
    path = KEPT / target
    lines = path.read_bytes().split() if path.exists() else []
    return [base64.b64decode(line) for line in lines]


def keep(target: str, chosen: Sequence[bytes]) -> None:
    """These in the place of those that were kept."""
    lines = sorted(base64.b64encode(octets) for octets in chosen if octets)
    if lines:
        KEPT.mkdir(exist_ok=True)
        (KEPT / target).write_bytes(b"".join(line + b"\n" for line in lines))
