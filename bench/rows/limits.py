"""What the machine allows, in the same run as what the servers do with it."""

from __future__ import annotations

from collections.abc import Callable

from bench.rows.base import Figures, Load, Row, Subject, figures

MACHINE = ("machine",)


def limit(action: str, operations: int, workers: int = 1) -> Callable[[Subject], Figures]:
    """A measure of `bench.load.limits`; nothing but the load works, so there is no server's CPU."""

    def measure(subject: Subject) -> Figures:
        orders = {
            "action": action,
            "folder": str(subject.peer.folder),
            "operations": operations,
            "workers": workers,
        }
        load = Load("limits", orders)
        seen = load.run()
        load.end()
        return figures(seen, 0.0, seen["seconds"])

    return measure


def _row(name: str, text: str, measure: Callable[[Subject], Figures]) -> Row:
    return Row(f"limit-{name}", text, MACHINE, measure, {})


ROWS = (
    _row("append", "4 kB appended and fdatasync, 1 writer", limit("append", 2000)),
    _row("append-20", "the same, 20 writers with a file each", limit("append", 10_000, 20)),
    _row(
        "append-shared",
        "4 kB appended, an fdatasync for 20 of them",
        limit("append-shared", 10_000),
    ),
    _row(
        "file",
        "a new file of 4 kB, fsync, rename, fsync of its folder, 1 writer",
        limit("new-file", 500),
    ),
    _row("file-20", "the same, 20 writers with a folder each", limit("new-file", 2000, 20)),
    _row("stream-to-disk", "1 MB after the other into a file", limit("stream-to-disk", 256)),
    _row("round-trip", "64 octets there and back, 1 connection", limit("round-trips", 10_000)),
    _row("round-trip-20", "the same, 20 connections", limit("round-trips", 40_000, 20)),
    _row("stream", "1 MB after the other over loopback", limit("stream", 2000)),
)
