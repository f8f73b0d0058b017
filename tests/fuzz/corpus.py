"""Inputs that once went wrong, one file each: `corpus/<target>/<hash of the octets>`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


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
