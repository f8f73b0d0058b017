"""Recipients that are kept at hand are never behind what the database says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import posthouse.accounts
from posthouse.accounts.accounts import add_account, set_quota
from posthouse.accounts.aliases import add_alias, remove_alias
from posthouse.accounts.directory import SEPARATOR, Absent
from posthouse.accounts.domains import add_domain
from posthouse.accounts.removal import estate, remove_account
from posthouse.message.address import Address
from posthouse.mta.receive.recipients import KEPT, Finder
from posthouse.store.direct import DirectStore
from posthouse.store.edition import Edition
from posthouse.store.migrate import migrate
from posthouse.store.store import Store

ANN = Address("ann", "a.example")


def paths(found: object) -> list[str] | object:
    return [each.forward_path for each in found] if isinstance(found, list) else found


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    migrate(tmp_path)
    with DirectStore(tmp_path) as other:
        other.write(add_domain("a.example", 0))
        other.write(add_account("ann@a.example", "hash", 0))
    return tmp_path


def beside(directory: Path, act: Callable[[Finder, DirectStore], None]) -> None:
    """A finder of a running store, and another process's way of writing."""

    async def go() -> None:
        store = Store(directory)
        try:
            with DirectStore(directory) as other:
                act(Finder(store, SEPARATOR), other)
        finally:
            store.close()

    asyncio.run(go())


def test_every_change_by_another_process_is_seen_at_once(directory: Path) -> None:
    def act(finder: Finder, other: DirectStore) -> None:
        bob, far = Address("bob", "a.example"), Address("x", "b.example")
        for _ in range(2):
            assert paths(finder.find(ANN)) == ["ann@a.example"]
            assert finder.find(bob) is Absent.UNKNOWN_USER
            assert finder.find(far) is Absent.FOREIGN_DOMAIN
        other.write(add_alias("bob@a.example", ["ann@a.example"]))
        assert paths(finder.find(bob)) == ["ann@a.example"]
        other.write(remove_alias("bob@a.example", []))
        assert finder.find(bob) is Absent.UNKNOWN_USER
        other.write(add_account("bob@a.example", "hash", 0))
        assert paths(finder.find(bob)) == ["bob@a.example"]
        other.write(add_domain("b.example", 0))
        assert finder.find(far) is Absent.UNKNOWN_USER
        assert other.write(remove_account(other.read(estate("bob@a.example")), 0))
        assert finder.find(bob) is Absent.UNKNOWN_USER

    beside(directory, act)


def test_what_is_kept_is_not_looked_up_again(directory: Path) -> None:
    def act(finder: Finder, other: DirectStore) -> None:
        assert finder.find(ANN) is finder.find(ANN)
        other.write(set_quota("ann@a.example", 1000))
        found = finder.find(ANN)
        assert isinstance(found, list)
        assert found[0].limited
        assert finder.find(ANN) is not found  # whether there is room is asked each time

    beside(directory, act)


def test_a_process_that_died_between_leaves_nothing_kept(directory: Path) -> None:
    def act(finder: Finder, other: DirectStore) -> None:
        finder.find(ANN)
        dead = Edition(directory)
        dead.begin()
        assert finder.find(ANN) is not finder.find(ANN)
        dead.close()
        other.write(add_domain("c.example", 0))
        assert finder.find(ANN) is finder.find(ANN)

    beside(directory, act)


def test_names_without_number_are_not_all_kept(directory: Path) -> None:
    def act(finder: Finder, _: DirectStore) -> None:
        for number in range(KEPT + 10):
            finder.find(Address(f"user{number}", "a.example"))
        assert len(finder._found) <= KEPT

    beside(directory, act)


def test_not_everybody_of_a_list_is_kept_for_each_of_its_spellings(directory: Path) -> None:
    def act(finder: Finder, other: DirectStore) -> None:
        other.write(add_alias("all@a.example", [f"p{number}@b.example" for number in range(100)]))
        for number in range(KEPT // 100 + 10):
            found = finder.find(Address(f"all+{number}", "a.example"))
            assert isinstance(found, list)
            assert len(found) == 100
        assert sum(len(each) for each in finder._found.values() if isinstance(each, list)) <= KEPT

    beside(directory, act)


def test_whoever_changes_the_directory_says_so() -> None:
    """A module with a statement that changes what addresses lead to has `changed()` in it."""
    statement = re.compile(
        r"(INSERT INTO|DELETE FROM|UPDATE) (domain|account|alias) (?!SET (password|legacy|scram"
        r"|disabled|modseq|next_|vacated_))"
    )
    package = Path(posthouse.accounts.__file__).parents[1]
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if statement.search(path.read_text())
    }
    assert found == {
        "accounts/accounts.py",
        "accounts/aliases.py",
        "accounts/domains.py",
        "accounts/removal.py",
    }
    for name in found:
        assert "yield from changed()" in (package / name).read_text()
