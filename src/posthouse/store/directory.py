"""The data directory: made so that it is there after a power loss, with what was promised in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from .blobs.files import FileLayer
from .database import FILE

ON_DISK = FileLayer()


def make_directory(directory: Path, layer: FileLayer = ON_DISK) -> None:
    """Make a data directory where there is none. Raises OSError.

    As long as it has no database its name is not known to be durable, nor are those of the
    directories above: an earlier start may have made them and ended there.
    """
    if (directory / FILE).exists():
        return
    directory = directory.absolute()
    layer.make_directory(directory)
    for parent in directory.parents:
        with suppress(PermissionError):  # what we may not read we have not made
            layer.sync_directory(parent)
