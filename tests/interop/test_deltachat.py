"""Delta Chat: two people who talk by mail, over IMAP with IDLE and submission, with TLS."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tests.interop.deltachat import Core, running
from tests.interop.letters import ATTACHED
from tests.system.server import Server
from tests.system.user import User, contents, until

numbers = count(1)


@pytest.fixture
def people(server: Server) -> tuple[User, User]:
    """Delta Chat wants a dot in the domain."""
    names = [f"{name}{next(numbers)}@chat.example" for name in ("ann", "bob")]
    server.add_accounts(names)
    ann, bob = (User(server, name) for name in names)
    return ann, bob


def befriend(core: Core, account: int, other: int) -> int:
    """The chat with another account, whose key comes on a card."""
    card = core.ask("make_vcard", other, [1])
    (contact,) = core.ask("import_vcard_contents", account, card)
    chat: int = core.ask("create_chat_by_contact_id", account, contact)
    return chat


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_two_people_talk(people: tuple[User, User], tmp_path: Path, security: str) -> None:
    picture = tmp_path / "picture.bin"
    picture.write_bytes(ATTACHED)
    with running(tmp_path) as core:
        ann, bob = (core.log_in(user, security) for user in people)
        for account in (ann, bob):
            core.ask("set_config", account, "bcc_self", "1")  # keeps the letters on the server
            core.ask("wait_for_all_work_done", account)
        chat = befriend(core, ann, bob)
        core.ask("misc_send_text_message", ann, chat, "Grüße, привет, 你好")
        told = core.message(bob, "Grüße, привет, 你好")
        core.ask("accept_chat", bob, told["chatId"])
        core.ask("markseen_msgs", bob, [told["id"]])
        answer = {"text": "Back.", "file": str(picture), "filename": "Übersicht.bin"}
        core.ask("send_msg", bob, told["chatId"], answer | {"viewtype": "File"})
        got = core.message(ann, "Back.")
        assert got["fileName"] == "Übersicht.bin"
        assert Path(got["file"]).read_bytes() == ATTACHED
        _check_letters(*people)
        core.ask("delete_messages", bob, [told["id"]])
        until(lambda: not letters_from(people[0], people[1]), "the deletion by Delta Chat")


def letters_from(sender: User, reader: User) -> list[bytes]:
    """Which letters lie in the reader's INBOX."""
    with reader.imap() as wire:
        wire.select("INBOX", readonly=True)
        found: list[bytes] = wire.search(None, "FROM", sender.address)[1][0].split()
        return found


def _check_letters(ann: User, bob: User) -> None:
    """As another client sees them: encrypted, and the one that was read is marked."""
    with bob.imap() as wire:
        wire.select("INBOX", readonly=True)

        def seen() -> bool:
            wire.noop()
            return bool(wire.search(None, "SEEN", "FROM", ann.address)[1][0])

        until(seen, "the mark of Delta Chat")
        (number, *_) = wire.search(None, "SEEN", "FROM", ann.address)[1][0].split()
        assert b"Content-Type: multipart/encrypted" in contents(wire, number.decode())
