"""The clock jumps: back by years, forward by centuries."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.accounts.accounts import add_account
from posthouse.accounts.domains import add_domain
from posthouse.message.summary import summarise
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore
from posthouse.store.mailboxes import create_mailbox, delete_mailbox
from posthouse.store.messages.append import append_message
from posthouse.store.migrate import migrate

LETTER = b"Subject: x\r\n\r\ntext\r\n"
NOW = 1_800_000_000


@pytest.mark.parametrize("then", [0, 1, NOW - 1, NOW - 10**8, NOW])
def test_attack_64_a_clock_that_goes_back(tmp_path: Path, then: int) -> None:
    """RFC 3501 §2.3.1.1: a mailbox made again has a larger UIDVALIDITY, whatever the clock says."""
    migrate(tmp_path)
    with DirectStore(tmp_path) as store:
        store.write(add_domain("a.example", NOW))
        ann = store.write(add_account("ann@a.example", "", NOW))
        seen = []
        for moment in (NOW, then, then, NOW):
            mailbox = store.write(create_mailbox(ann, "box", moment))
            letter = append_message(ann, "box", prepare(LETTER), summarise(LETTER), moment, "")
            seen.append(mailbox.uid_validity)
            store.write(letter)
            store.write(delete_mailbox(ann, "box", moment))
        assert seen == sorted(set(seen))
        assert all(0 < each < 1 << 32 for each in seen)


@pytest.mark.parametrize("then", [4_102_444_800, (1 << 32) - 2, 1 << 33, 1 << 40])
def test_attack_64_a_clock_that_is_far_ahead(tmp_path: Path, then: int) -> None:
    """What it left behind does no harm when it is right again: numbers fit, and only grow."""
    migrate(tmp_path)
    with DirectStore(tmp_path) as store:
        store.write(add_domain("a.example", NOW))
        ann = store.write(add_account("ann@a.example", "", NOW))
        seen = []
        for moment in (NOW, then, NOW):
            mailbox = store.write(create_mailbox(ann, "box", moment))
            seen.append(mailbox.uid_validity)
            store.write(delete_mailbox(ann, "box", moment))
        assert seen == sorted(set(seen))
        assert all(0 < each < 1 << 32 for each in seen)
