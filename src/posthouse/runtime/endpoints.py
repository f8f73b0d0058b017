"""Where the server of a data directory listens, for commands that speak to it: DATA/run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

from .listeners import Endpoint

FILE = "endpoints.json"


def write(directory: Path, places: Sequence[Endpoint], certificate: Path) -> None:
    """Say where the server listens; readers see the whole file or the old one."""
    path = _path(directory)
    new = path.with_suffix(".new")
    entries = [[place.service, place.host, place.port] for place in places]
    new.write_text(json.dumps({"certificate": str(certificate), "endpoints": entries}))
    new.replace(path)


def read(directory: Path) -> tuple[dict[str, Endpoint], Path] | None:
    """The first endpoint of each service, and the certificate; None if nothing serves."""
    try:
        found = json.loads(_path(directory).read_text())
        places: dict[str, Endpoint] = {}
        for service, host, port in found["endpoints"]:
            places.setdefault(service, Endpoint(service, host, port))
        return places, Path(found["certificate"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove(directory: Path) -> None:
    with contextlib.suppress(OSError):
        _path(directory).unlink()


def _path(directory: Path) -> Path:
    return directory / "run" / FILE
