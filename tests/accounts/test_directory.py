"""Whose mailbox an address is."""

from __future__ import annotations

import pytest

from posthouse.accounts.accounts import add_account, add_accounts, list_accounts
from posthouse.accounts.aliases import add_alias, list_aliases, remove_alias
from posthouse.accounts.directory import (
    POSTMASTER_OF_DOMAIN,
    POSTMASTER_OF_HOUSE,
    Absent,
    Alias,
    LocalAccount,
    may_send_as,
    resolve,
)
from posthouse.accounts.domains import add_domain, list_domains
from posthouse.accounts.errors import Conflict
from posthouse.accounts.names import NotAnAddress, canonical_address, canonical_domain
from posthouse.store.direct import DirectStore
from posthouse.store.mailboxes import list_mailboxes
from posthouse.store.unit import rows_of


@pytest.fixture
def ann(store: DirectStore) -> int:
    return store.write(add_account("Ann@Example.ORG", "hash", 0))


def test_an_account_is_found_whatever_the_case(store: DirectStore, ann: int) -> None:
    for local_part, domain in [
        ("ann", "example.org"),
        ("ANN", "Example.Org"),
        ("ａｎｎ", "example.org"),
    ]:
        assert store.read(resolve(local_part, domain)) == LocalAccount(ann, "ann@example.org")


def test_a_sub_address_is_its_accounts(store: DirectStore, ann: int) -> None:
    found = store.read(resolve("ann+Lists", "example.org"))
    assert found == LocalAccount(ann, "ann@example.org", "Lists")
    assert store.read(resolve("ann-x", "example.org", "-")) == LocalAccount(
        ann, "ann@example.org", "x"
    )
    assert store.read(resolve("ann+x", "example.org", "")) is Absent.UNKNOWN_USER
    assert store.read(resolve("+x", "example.org")) is Absent.UNKNOWN_USER


def test_an_exact_name_comes_before_a_sub_address(store: DirectStore, ann: int) -> None:
    other = store.write(add_account("ann+work@example.org", "hash", 0))
    assert store.read(resolve("ann+work", "example.org")) == LocalAccount(
        other, "ann+work@example.org"
    )


def test_what_is_not_here(store: DirectStore, ann: int) -> None:
    assert store.read(resolve("bob", "example.org")) is Absent.UNKNOWN_USER
    assert store.read(resolve("ann", "example.net")) is Absent.FOREIGN_DOMAIN
    assert store.read(resolve("ann", "[192.0.2.1]")) is Absent.FOREIGN_DOMAIN
    assert store.read(resolve("ann", "")) is Absent.FOREIGN_DOMAIN
    assert store.read(resolve("ann", "x" * 300)) is Absent.FOREIGN_DOMAIN
    assert store.read(resolve('a"b\\c d', "example.org")) is Absent.UNKNOWN_USER
    assert store.read(resolve("ann%example.net", "example.org")) is Absent.UNKNOWN_USER


def test_an_alias_gives_its_targets(store: DirectStore, ann: int) -> None:
    store.write(add_alias("sales@example.org", ["ann@example.org", "Bob@example.net"]))
    found = store.read(resolve("Sales", "example.org"))
    assert found == Alias("sales@example.org", ("Bob@example.net", "ann@example.org"))
    assert isinstance(store.read(resolve("sales+x", "example.org")), Alias)
    store.write(remove_alias("sales@example.org", ["Bob@example.net"]))
    assert [entry.target for entry in store.read(list_aliases())] == ["ann@example.org"]
    store.write(remove_alias("sales@example.org", []))
    assert store.read(resolve("sales", "example.org")) is Absent.UNKNOWN_USER


def test_postmaster_is_always_somebody(store: DirectStore) -> None:
    assert store.read(resolve("postmaster", "example.org")) is Absent.UNKNOWN_USER
    store.write(add_domain("example.net", 0))
    first = store.write(add_account("first@example.net", "hash", 0))
    ann = store.write(add_account("ann@example.org", "hash", 0))
    assert store.read(resolve("Postmaster", "")) == LocalAccount(first, "first@example.net")
    found = store.read(resolve("postmaster", "example.org"))
    assert found == LocalAccount(ann, "ann@example.org")
    store.write(add_alias("postmaster@example.org", ["bob@example.com"]))
    assert isinstance(store.read(resolve("postmaster", "example.org")), Alias)


def test_postmaster_is_found_by_an_index(store: DirectStore) -> None:
    """However many accounts there are before those of the domain, or none of it."""
    store.write(add_account("first@example.org", "hash", 0))
    store.write(add_domain("example.net", 0))
    last = store.write(add_account("last@example.net", "hash", 0))
    found = store.read(resolve("postmaster", "example.net"))
    assert isinstance(found, LocalAccount)
    assert found.account == last
    explain = f"EXPLAIN QUERY PLAN {POSTMASTER_OF_DOMAIN}"
    plan = store.read(lambda: rows_of(explain, "example.net"))
    assert [row[3] for row in plan] == ["SEARCH account USING INDEX account_by_domain (domain=?)"]
    # That of the house is the first row of the table, in the order in which it lies there.
    plan = store.read(lambda: rows_of(f"EXPLAIN QUERY PLAN {POSTMASTER_OF_HOUSE}"))
    assert [row[3] for row in plan] == ["SCAN account"]


def test_who_may_send_as_whom(store: DirectStore, ann: int) -> None:
    bob = store.write(add_account("bob@example.org", "hash", 0))
    store.write(add_alias("sales@example.org", ["Ann@example.org", "x@example.net"]))

    def may(account: int, local_part: str, domain: str = "example.org") -> bool:
        return store.read(may_send_as(account, local_part, domain, "+"))

    assert may(ann, "ann")
    assert may(ann, "ann+news")
    assert may(ann, "sales")
    assert not may(bob, "sales")
    assert not may(bob, "ann")
    assert not may(ann, "ann", "example.net")


def test_a_new_account_has_its_mailboxes(store: DirectStore, ann: int) -> None:
    names = {box.name: box.special_use for box in store.read(list_mailboxes(ann))}
    assert names == {
        "INBOX": "",
        "Drafts": "\\Drafts",
        "Sent": "\\Sent",
        "Junk": "\\Junk",
        "Trash": "\\Trash",
        "Archive": "\\Archive",
    }


def test_what_is_refused_leaves_no_trace(store: DirectStore, ann: int) -> None:
    with pytest.raises(Conflict):
        store.write(add_account("ann@example.org", "hash", 0))
    with pytest.raises(Conflict):
        store.write(add_accounts(["new@example.org", "x@example.net"], "hash", 0))
    with pytest.raises(Conflict):
        store.write(add_alias("ann@example.org", ["bob@example.org"]))
    with pytest.raises(Conflict):
        store.write(add_alias("me@example.org", ["me@example.org"]))
    with pytest.raises(Conflict):
        store.write(add_domain("EXAMPLE.org", 0))
    assert [row.address for row in store.read(list_accounts())] == ["ann@example.org"]
    assert store.read(list_aliases()) == []
    assert [row.accounts for row in store.read(list_domains())] == [1]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "a b@example.org",
        "ann@[192.0.2.1]",
        '"a b"@example.org',
        "ann@exa_mple.org",
        "ann@example..org",
        "a\u200bb@example.org",
        "a\x00@example.org",
        f"{'a' * 65}@example.org",
    ],
)
def test_what_no_account_can_be_called(address: str) -> None:
    with pytest.raises(NotAnAddress):
        canonical_address(address)


def test_attack_24_names_are_compared_in_one_form() -> None:
    assert canonical_address("JÖRG@Bücher.example") == "jörg@xn--bcher-kva.example"
    assert canonical_address("jo\u0308rg@example.org") == canonical_address("jörg@example.org")
    assert canonical_domain("Example.ORG") == "example.org"


def test_an_alias_for_whoever_is_not_there(store: DirectStore, ann: int) -> None:
    store.write(add_alias("@Example.org", ["ann@example.org", "far@example.net"]))
    found = store.read(resolve("nobody", "example.org"))
    assert found == Alias("@example.org", ("ann@example.org", "far@example.net"))
    assert isinstance(store.read(resolve("ann", "example.org")), LocalAccount)
    assert isinstance(store.read(resolve("ann+x", "example.org")), LocalAccount)
    assert isinstance(store.read(resolve("postmaster", "example.org")), LocalAccount)
    assert store.read(resolve("nobody", "example.net")) is Absent.FOREIGN_DOMAIN
    store.write(remove_alias("@example.org", []))
    assert store.read(resolve("nobody", "example.org")) is Absent.UNKNOWN_USER
    with pytest.raises(NotAnAddress):
        add_alias("@", ["ann@example.org"])
