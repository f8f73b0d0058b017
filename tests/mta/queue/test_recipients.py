"""From an alias to recipients here and elsewhere."""

from __future__ import annotations

from pathlib import Path

from posthouse.accounts.directory import Absent
from posthouse.message.address import Address
from posthouse.mta.queue.letter import Recipient
from posthouse.mta.receive.recipients import DEPTH, MOST, find
from posthouse.store.unit import Unit, Work, run

from .site import found

ANN = "ann@a.example"

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


def test_an_alias_for_more_than_a_letter_goes_to_is_not_cut_short(tmp_path: Path) -> None:
    """Else some of those behind it would never know of their letters."""

    def write(first: int, end: int) -> Unit[None]:
        def unit() -> Work[None]:
            for number in range(first, end):
                yield from run(
                    "INSERT INTO alias VALUES ('all@a.example', ?1)", f"{number}@b.example"
                )

        return unit

    everybody = Address("all", "a.example")
    with found(tmp_path) as store:
        store.write(write(0, MOST))
        got = store.read(find(everybody, "+"))
        assert isinstance(got, list)
        assert len(got) == MOST
        store.write(write(MOST, MOST + 1))
        assert store.read(find(everybody, "+")) is Absent.TOO_MANY


def test_nor_is_one_that_leads_too_far(tmp_path: Path) -> None:
    def write(first: int, end: int) -> Unit[None]:
        def unit() -> Work[None]:
            for number in range(first, end):
                yield from run(
                    "INSERT INTO alias VALUES (?1, ?2)",
                    f"no{number}@a.example",
                    f"no{number + 1}@a.example",
                )
                yield from run("INSERT INTO alias VALUES (?1, ?2)", f"no{number}@a.example", ANN)

        return unit

    with found(tmp_path) as store:
        store.write(write(0, DEPTH))
        got = store.read(find(Address("no0", "a.example"), "+"))
        assert isinstance(got, list)
        assert [each.forward_path for each in got] == [ANN]
        store.write(write(DEPTH, DEPTH + 1))
        assert store.read(find(Address("no0", "a.example"), "+")) is Absent.TOO_MANY
