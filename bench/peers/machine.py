"""The machine without any server, for its own limits."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from bench.peers import Peer


class Machine(Peer):
    """A folder on the disk that the servers use."""

    name = "machine"
    version = "no server"
    settings = ("bench.load.limits, in Python",)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return
