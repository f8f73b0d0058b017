"""Addresses that stand for others: groups, and what would lead in circles."""

from __future__ import annotations

import pytest

from posthouse.accounts.accounts import add_account
from posthouse.accounts.aliases import add_alias, list_aliases, remove_alias
from posthouse.accounts.errors import Conflict
from posthouse.accounts.names import NotAnAddress
from posthouse.store.direct import DirectStore

TEAM = "team@example.org"


def targets(store: DirectStore, alias: str) -> list[str]:
    return [each.target for each in store.read(list_aliases()) if each.address == alias]


def test_a_group(store: DirectStore) -> None:
    group = 'The Team: Ann <ann@b.example>, "Bob, B." <bob@B.example> (at sea), "c d"@b.example;'
    with pytest.raises(NotAnAddress, match="no user name"):
        store.write(add_alias(TEAM, [group]))
    group = group.replace('"c d"@b.example', "carl@c.example")
    store.write(add_alias(TEAM, [group, "dora@d.example"]))
    everybody = ["ann@b.example", "bob@b.example", "carl@c.example", "dora@d.example"]
    assert targets(store, TEAM) == everybody
    assert store.write(remove_alias(TEAM, ["X: ann@b.example, carl@c.example;"])) == 2
    assert targets(store, TEAM) == ["bob@b.example", "dora@d.example"]


@pytest.mark.parametrize(
    "group",
    [
        "Nobody:;",
        "ann@b.example;",
        "Ann <ann@b.example>, bob@b.example;",
        "A: ann@b.example; B: bob@b.example;",
        "A: ann@b.example, nobody;",
        "A: <@b.example>;",
        "A: " + "ann@b.example, " * 3000 + ";",
        "A: \udcff@b.example;",
        ";",
    ],
)
def test_what_is_no_group(store: DirectStore, group: str) -> None:
    with pytest.raises(NotAnAddress):
        store.write(add_alias(TEAM, [group]))
    assert targets(store, TEAM) == []


def test_a_loop_is_refused(store: DirectStore) -> None:
    """The way is told; nothing of what was refused is left."""
    store.write(add_alias("a@example.org", ["b@example.org", "x@b.example"]))
    store.write(add_alias("b@example.org", ["c@example.org"]))
    with pytest.raises(Conflict) as refused:
        store.write(add_alias("c@example.org", ["y@b.example", "A@Example.org"]))
    assert str(refused.value) == (
        "c@example.org -> A@example.org -> b@example.org -> c@example.org"
        " would lead back to c@example.org"
    )
    assert targets(store, "c@example.org") == []
    with pytest.raises(Conflict, match="cannot stand for itself"):
        store.write(add_alias("c@example.org", ["c@example.org"]))
    with pytest.raises(Conflict, match="lead back"):
        store.write(add_alias("c@example.org", ["b+sub@example.org"]))
    store.write(add_alias("c@example.org", ["y@b.example"]))


def test_a_loop_by_a_sub_address_of_another_separator(store: DirectStore) -> None:
    store.write(add_alias("a@example.org", ["a+b@example.org"], "-"))
    with pytest.raises(Conflict, match="lead back"):
        store.write(add_alias("b@example.org", ["b-c@example.org"], "-"))


def test_whoever_is_not_there(store: DirectStore) -> None:
    """`@domain` may stand for an account of the domain, but not for one who is not there."""
    with pytest.raises(Conflict, match="lead back"):
        store.write(add_alias("@example.org", ["ann@example.org"]))
    store.write(add_account("ann@example.org", "", 0))
    store.write(add_alias("@example.org", ["ann@example.org"]))
    store.write(add_alias("@example.org", ["elsewhere@b.example"]))
