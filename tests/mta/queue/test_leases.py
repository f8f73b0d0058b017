"""What a worker gives back when it starts."""

from __future__ import annotations

from pathlib import Path

from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.units import accept, release_leases
from posthouse.store.contents import prepare
from posthouse.store.unit import Work, rows_of

from .site import NOON, found

ANN = [Recipient("ann@a.example", "a.example", 1)]


def leases() -> Work[list[tuple[str, str]]]:
    return (yield from rows_of("SELECT state, lease FROM queue_recipient ORDER BY lease"))


def test_what_the_dead_had_and_not_what_the_living_have(tmp_path: Path) -> None:
    """After SIGHUP the old worker of an index still ends what it has in hand."""
    with found(tmp_path) as store:
        for lease in ("w0-7-a", "w0-71-b", "w0-8-c", "w1-7-d"):
            letter = Letter("", prepare(b"\r\n"), "test")
            store.write(accept(lease, letter, ANN, NOON, lease, NOON + 60))
        assert store.write(release_leases("w0-", ["w0-7-", "w0-9-"])) == 2
        assert store.read(leases) == [
            ("ready", ""),
            ("ready", ""),
            ("leased", "w0-7-a"),
            ("leased", "w1-7-d"),
        ]
        assert store.write(release_leases("")) == 2
