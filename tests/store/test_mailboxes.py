"""What is refused of mailboxes, whatever their clients do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.store.annotations import annotations_of, set_annotations
from posthouse.store.changes import ACCOUNT
from posthouse.store.direct import DirectStore
from posthouse.store.mailboxes import (
    DEEPEST_NAME,
    LONGEST_NAME,
    NotAllowed,
    create_default_mailboxes,
    create_mailbox,
    delete_mailbox,
    list_mailboxes,
)
from posthouse.store.messages.refusals import NoSuchMailbox
from posthouse.store.migrate import migrate
from posthouse.store.renaming import rename_mailbox
from posthouse.store.unit import Work, run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DirectStore]:
    migrate(tmp_path)
    with DirectStore(tmp_path) as direct:
        direct.write(one_account)
        yield direct


def one_account() -> Work[None]:
    yield from run("INSERT INTO account (id, address, password, created) VALUES (1, 'a', '', 0)")
    yield from create_default_mailboxes(1, 1)


def names(store: DirectStore) -> set[str]:
    return {mailbox.name for mailbox in store.read(list_mailboxes(1))}


def deepen(store: DirectStore, level: str) -> None:
    for number in range(100):
        store.write(rename_mailbox(1, "old", f"{number}/{level}/old", 1))
        store.write(rename_mailbox(1, str(number), "old", 1))


@pytest.mark.parametrize("level", ["x", "x" * 500])
def test_renaming_again_and_again_makes_no_endless_name(store: DirectStore, level: str) -> None:
    """Each new name is short enough, and what lies below it comes with it."""
    store.write(create_mailbox(1, "old/below", 1))
    with pytest.raises(NotAllowed):
        deepen(store, level)
    longest = max(names(store), key=len)
    assert longest.endswith("/below")
    assert longest.count("/") < DEEPEST_NAME
    assert len(longest) <= LONGEST_NAME


def test_a_mailbox_that_is_gone_gets_no_annotations(store: DirectStore) -> None:
    """It may be deleted while the unit waits for its turn."""
    mailbox = store.write(create_mailbox(1, "old", 1)).id
    store.write(set_annotations(1, mailbox, {"/private/comment": b"mine"}))
    store.write(delete_mailbox(1, "old", 1))
    for values in ({"/private/comment": b"mine"}, {"/private/comment": None}):
        with pytest.raises(NoSuchMailbox):
            store.write(set_annotations(1, mailbox, values))
    assert store.read(annotations_of(1, mailbox, ["/private"], 10)) == {}
    store.write(set_annotations(1, ACCOUNT, {"/private/comment": b"mine"}))
    assert store.read(annotations_of(1, ACCOUNT, ["/private/comment"], 0))
