"""What an account may keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.accounts.accounts import add_account, list_accounts, set_quota
from posthouse.accounts.domains import add_domain
from posthouse.message.address import Address
from posthouse.message.summary import summarise
from posthouse.mta.receive.recipients import find
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore
from posthouse.store.messages.append import append_message
from posthouse.store.messages.copy import copy_messages
from posthouse.store.messages.rows import INBOX
from posthouse.store.migrate import migrate
from posthouse.store.quota import OverQuota, has_room

LETTER = b"Subject: x\r\n\r\n" + b"x" * 86  # 100 octets


def test_a_full_account(tmp_path: Path) -> None:
    migrate(tmp_path)
    with DirectStore(tmp_path) as store:
        store.write(add_domain("a.example", 0))
        ann = store.write(add_account("ann@a.example", "", 0))
        store.write(set_quota("ann@a.example", 250))
        append = append_message(ann, "INBOX", prepare(LETTER), summarise(LETTER), 0, "")
        address = Address("Ann", "a.example")
        for _ in range(2):
            (recipient,) = store.read(find(address, "+"))  # type: ignore[misc]
            assert not recipient.full
            store.write(append)
        assert store.read(lambda: has_room(ann, 50))
        assert not store.read(lambda: has_room(ann, 51))
        with pytest.raises(OverQuota):
            store.write(copy_messages(ann, INBOX, [(1, 1)], "INBOX"))
        store.write(append)
        (recipient,) = store.read(find(address, "+"))  # type: ignore[misc]
        assert recipient.full
        assert [(each.octets, each.quota) for each in store.read(list_accounts())] == [(300, 250)]
        store.write(set_quota("ann@a.example", 0))
        assert store.read(lambda: has_room(ann, 2**40))
        (recipient,) = store.read(find(address, "+"))  # type: ignore[misc]
        assert not recipient.full
