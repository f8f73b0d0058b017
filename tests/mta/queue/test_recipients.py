"""From an alias to recipients here and elsewhere."""

from __future__ import annotations

from pathlib import Path

from posthouse.accounts.directory import Absent
from posthouse.message.address import Address
from posthouse.mta.queue.letter import Recipient
from posthouse.mta.receive.recipients import find
from posthouse.store.unit import Work, run

from .site import found

#: Some lead in circles, as they may after an account was removed.
ALIASES = {
    "list@a.example": ["more@a.example", "x@b.example"],
    "more@a.example": ["list@a.example", "ann@a.example", "y@b.example"],
    "@a.example": ["ghost@a.example", "z@c.example"],
}


def write_aliases() -> Work[None]:
    for address, targets in ALIASES.items():
        for target in targets:
            yield from run("INSERT INTO alias (address, target) VALUES (?1, ?2)", address, target)


def test_who_stands_behind_an_alias(tmp_path: Path) -> None:
    with found(tmp_path) as store:
        store.write(write_aliases)
        got = store.read(find(Address("List", "a.example"), "+"))
        assert got == [
            Recipient("x@b.example", "b.example", 0, "List@a.example"),
            Recipient("ann@a.example", "a.example", 1, "List@a.example"),
            Recipient("y@b.example", "b.example", 0, "List@a.example"),
        ]
        # The one for whoever is not there leads to itself by an address that is not there.
        assert store.read(find(Address("nobody", "a.example"), "+")) == [
            Recipient("z@c.example", "c.example", 0, "nobody@a.example")
        ]
        assert store.read(find(Address("ann", "b.example"), "+")) is Absent.FOREIGN_DOMAIN
