"""What a session is told of mailboxes that it watches: what others have done, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Never

import pytest

from posthouse.message.summary import summarise
from posthouse.protocols.imap import events
from posthouse.protocols.imap.mail_events import Declined
from posthouse.protocols.imap.watch_events import (
    Annotated,
    AskNoticed,
    Event,
    Group,
    Named,
    Noticed,
    Overflow,
    Watch,
    Where,
)
from posthouse.store import flags
from posthouse.store.contents import prepare
from posthouse.store.mailboxes import Mailbox, create_mailbox, delete_mailbox
from posthouse.store.messages.append import append_message
from posthouse.store.messages.expunge import expunge_messages
from posthouse.store.messages.store import store_flags
from posthouse.store.renaming import rename_mailbox
from posthouse.store.serve import watching
from posthouse.store.serve.imap import ImapAgent
from posthouse.store.snapshots import Snapshot
from posthouse.store.unit import Unit, Work, run
from tests.store.test_imap_agent import House, answer, in_house

CONTENT = b"Subject: any\r\n\r\n"
MESSAGES = frozenset((Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE, Event.FLAG_CHANGE))
NAMES = frozenset((Event.MAILBOX_NAME, Event.SUBSCRIPTION_CHANGE))
EVERYTHING = (Group(Where.PERSONAL, frozenset(), frozenset(Event)),)

Test = Callable[[House, ImapAgent], Coroutine[object, object, None]]


def watched(directory: Path, test: Test, groups: tuple[Group, ...] = EVERYTHING) -> None:
    """A session that watches, and what is done beside it."""

    async def whole(house: House) -> None:
        agent = await house.session()
        assert await answer(agent, Watch(groups)) == ()
        await test(house, agent)
        agent.closed()

    in_house(directory, whole)


def append(name: str) -> Unit[object]:
    return append_message(1, name, prepare(CONTENT), summarise(CONTENT), 0, "")


async def noticed(agent: ImapAgent) -> list[object]:
    """What there is, in a form that is easily compared."""
    given = await answer(agent, AskNoticed())
    assert isinstance(given, tuple), given
    told: list[object] = []
    for each in given:
        match each:
            case Noticed(name, counts, _, flags_alone, _):
                told.append((name, counts.messages, "flags" if flags_alone else "messages"))
            case Named(mailbox, has_children, old_name):
                told.append((mailbox.name, mailbox.exists, has_children, old_name))
            case Annotated(name, entries):
                told.append((name, *entries))
    return told


def test_what_one_does_oneself_is_not_told_among_what_others_do(tmp_path: Path) -> None:
    async def test(house: House, agent: ImapAgent) -> None:
        await house.store.write(append("Sent"))
        await answer(agent, events.Create("mine"))
        await answer(agent, events.Subscribe("mine"))
        await answer(agent, events.SetAnnotations("Sent", {"/private/comment": b"x"}))
        await house.store.write(append("mine"))
        assert await noticed(agent) == [("Sent", 1, "messages"), ("mine", 1, "messages")]
        assert await noticed(agent) == []
        await answer(agent, events.Delete("mine"))
        await answer(agent, events.SetAnnotations("", {"/private/comment": b"x"}))
        assert await noticed(agent) == []

    watched(tmp_path, test)


def test_what_is_done_to_messages(tmp_path: Path) -> None:
    async def test(house: House, agent: ImapAgent) -> None:
        await house.store.write(append("Sent"))
        await house.store.write(append("Junk"))
        assert await noticed(agent) == [("Junk", 1, "messages"), ("Sent", 1, "messages")]
        flagged = store_flags(1, 3, [(1, 1)], flags.added, ("\\Deleted",))
        assert not (await house.store.write(flagged)).modified
        assert await noticed(agent) == [("Sent", 1, "flags")]
        await house.store.write(expunge_messages(1, 3, None, 0))
        assert await noticed(agent) == [("Sent", 0, "messages")]

    watched(tmp_path, test)


def test_the_selected_mailbox_is_not_spoken_of(tmp_path: Path) -> None:
    async def test(house: House, agent: ImapAgent) -> None:
        await answer(agent, events.Select("Sent", False))
        await house.store.write(append("Sent"))
        await house.store.write(append("Junk"))
        assert await noticed(agent) == [("Junk", 1, "messages")]
        given = await answer(agent, Watch(EVERYTHING, status=True))
        assert isinstance(given, tuple)
        assert {each.name for each in given} == {"INBOX", "Drafts", "Junk", "Trash", "Archive"}

    watched(tmp_path, test)


def test_names(tmp_path: Path) -> None:
    async def test(house: House, agent: ImapAgent) -> None:
        write = house.store.write
        await write(create_mailbox(1, "a/b/c", 0))
        assert ("a/b/c", True, False, "") in await noticed(agent)
        await write(rename_mailbox(1, "a/b", "d", 0))
        await write(delete_mailbox(1, "Junk", 0))
        names = [
            each for each in await noticed(agent) if isinstance(each, tuple) and len(each) == 4
        ]
        assert names == [
            ("Junk", False, False, ""),
            ("d", True, True, "a/b"),
            ("a", True, False, ""),
        ]
        await write(append("INBOX"))
        await noticed(agent)
        await write(rename_mailbox(1, "INBOX", "a/old", 0))
        names = [
            each for each in await noticed(agent) if isinstance(each, tuple) and len(each) == 4
        ]
        assert names == [("a/old", True, False, "INBOX"), ("a", True, True, "")]

    watched(tmp_path, test)


def test_names_are_told_in_an_order_that_can_be_followed(tmp_path: Path) -> None:
    async def test(house: House, agent: ImapAgent) -> None:
        write = house.store.write
        for name in ("a/x", "b", "c"):
            await write(create_mailbox(1, name, 0))
        assert await noticed(agent)
        await write(rename_mailbox(1, "c", "d", 0))
        await write(rename_mailbox(1, "b", "c", 0))
        await write(delete_mailbox(1, "a/x", 0))
        await write(rename_mailbox(1, "a", "b", 0))
        await write(create_mailbox(1, "0", 0))
        assert await noticed(agent) == [
            ("a/x", False, False, ""),
            ("d", True, False, "c"),
            ("c", True, False, "b"),
            ("b", True, False, "a"),
            ("0", True, False, ""),
        ]

    watched(tmp_path, test, (Group(Where.PERSONAL, frozenset(), NAMES),))


def test_another_mailbox_under_a_name_is_told_by_its_uid_validity(tmp_path: Path) -> None:
    async def test(house: House, agent: ImapAgent) -> None:
        await house.store.write(create_mailbox(1, "other", 0))
        assert await noticed(agent) == []
        await house.store.write(delete_mailbox(1, "Sent", 0))
        await house.store.write(rename_mailbox(1, "other", "Sent", 0))
        assert await noticed(agent) == [("Sent", 0, "messages")]

    watched(tmp_path, test, (Group(Where.MAILBOXES, frozenset({"Sent"}), MESSAGES),))


def test_a_feed_that_is_forgotten(tmp_path: Path) -> None:
    def forget() -> Work[None]:
        yield from run("UPDATE mailbox SET change_floor = highest_modseq")
        yield from run("DELETE FROM change")

    async def test(house: House, agent: ImapAgent) -> None:
        await house.store.write(append("Sent"))
        await house.store.write(forget)
        assert await noticed(agent) == [("Sent", 1, "messages")]

    watched(tmp_path, test)


def test_many_changes_of_one_mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_DEEDS", 2)

    async def test(house: House, agent: ImapAgent) -> None:
        for _ in range(4):
            await house.store.write(append("Sent"))
        assert await noticed(agent) == [("Sent", 4, "messages")]

    watched(tmp_path, test)


def test_too_much_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_CHANGED", 2)
    monkeypatch.setattr(watching, "MOST_WATCHED", 7)

    async def test(house: House, agent: ImapAgent) -> None:
        for name in ("Sent", "Junk", "Trash"):
            await house.store.write(append(name))
        assert await answer(agent, AskNoticed()) == Overflow()
        assert await answer(agent, AskNoticed()) == ()
        assert await answer(agent, Watch(EVERYTHING)) == ()
        await house.store.write(create_mailbox(1, "a/b", 0))
        assert await answer(agent, AskNoticed()) == Overflow()
        refusal = await answer(agent, Watch(EVERYTHING))
        assert isinstance(refusal, Declined)
        assert refusal.code == "NOTIFICATIONOVERFLOW"

    watched(tmp_path, test)


def test_a_message_costs_no_look_at_the_names_of_all_mailboxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many mailboxes there are, and groups that may mean them."""
    asked: list[str] = []
    wanted = watching.Watched.wanted

    def counted(its: watching.Watched, name: str, *snapshots: Snapshot) -> frozenset[Event]:
        asked.append(name)
        return wanted(its, name, *snapshots)

    monkeypatch.setattr(watching.Watched, "wanted", counted)
    monkeypatch.setattr(watching, "MOST_WATCHED", 5)

    async def test(house: House, agent: ImapAgent) -> None:
        asked.clear()
        await house.store.write(append("Sent"))
        assert await noticed(agent) == [("Sent", 1, "messages")]
        assert set(asked) == {"Sent"}
        await house.store.write(create_mailbox(1, "Sent/more", 0))
        assert ("Sent/more", True, False, "") in await noticed(agent)
        assert len(set(asked)) > 5, "it is counted whether they are too many now"

    groups = [
        Group(Where.SUBTREE, frozenset((f"x{each}", "Sent")), frozenset(Event))
        for each in range(100)
    ]
    watched(tmp_path, test, tuple(groups))


def test_a_message_costs_no_look_at_the_mailboxes_before(tmp_path: Path) -> None:
    """Nothing was done to the account itself: no name can have another mailbox now."""

    class Untouched(dict[int, Mailbox]):
        def values(self) -> Never:
            raise AssertionError("all of them are looked at")

    async def test(house: House, agent: ImapAgent) -> None:
        watched = agent._watcher._watched
        assert watched is not None
        watched.seen = replace(watched.seen, mailboxes=Untouched(watched.seen.mailboxes))
        await house.store.write(append("Sent"))
        assert await noticed(agent) == [("Sent", 1, "messages")]

    watched(tmp_path, test)


def test_what_several_groups_want_of_a_mailbox() -> None:
    """All of it together, whatever their order."""
    groups = (
        Group(Where.SUBTREE, frozenset(("a", "a/b")), frozenset((Event.MESSAGE_NEW,))),
        Group(Where.MAILBOXES, frozenset(("a/b", "INBOX")), frozenset((Event.FLAG_CHANGE,))),
        Group(Where.SUBSCRIBED, frozenset(), frozenset((Event.MAILBOX_NAME,))),
        Group(Where.INBOXES, frozenset(), frozenset((Event.MESSAGE_EXPUNGE,))),
        Group(Where.SUBTREE, frozenset(("a/b",)), frozenset((Event.SUBSCRIPTION_CHANGE,))),
    )
    seen = Snapshot(1, {}, frozenset(("a/b/c", "z")))
    for some in (groups, groups[::-1]):
        its = watching.Watched(some, seen)
        wanted = {
            name: its.wanted(name, seen) for name in ("a", "a/b", "a/b/c", "a/bc", "z", "INBOX")
        }
        assert wanted == {
            "a": {Event.MESSAGE_NEW},
            "a/b": {Event.MESSAGE_NEW, Event.FLAG_CHANGE, Event.SUBSCRIPTION_CHANGE},
            "a/b/c": {Event.MESSAGE_NEW, Event.MAILBOX_NAME, Event.SUBSCRIPTION_CHANGE},
            "a/bc": {Event.MESSAGE_NEW},
            "z": {Event.MAILBOX_NAME},
            "INBOX": {Event.FLAG_CHANGE, Event.MESSAGE_EXPUNGE},
        }


def test_sessions_share_what_is_known(tmp_path: Path) -> None:
    async def test(house: House, agent: ImapAgent) -> None:
        other = await house.session()
        assert await answer(other, Watch(EVERYTHING)) == ()
        await house.store.write(append("Sent"))
        assert await noticed(agent) == [("Sent", 1, "messages")]
        await asyncio.sleep(0)
        assert await noticed(other) == [("Sent", 1, "messages")]
        assert house.service.snapshots.now(1) is house.service.snapshots.now(1)
        other.closed()

    watched(tmp_path, test)


@pytest.mark.parametrize(
    ("group", "names"),
    [
        (Group(Where.INBOXES, frozenset(), MESSAGES), {"INBOX"}),
        (Group(Where.SUBTREE, frozenset({"a"}), MESSAGES), {"a", "a/b"}),
        (Group(Where.SUBTREE, frozenset({"a/b", "x"}), MESSAGES), {"a/b"}),
        (Group(Where.MAILBOXES, frozenset({"a", "x"}), MESSAGES), {"a"}),
        (Group(Where.SUBSCRIBED, frozenset(), MESSAGES), {"a", "INBOX"}),
    ],
)
def test_which_mailboxes_are_meant(group: Group, names: set[str], tmp_path: Path) -> None:
    async def test(house: House, agent: ImapAgent) -> None:
        await answer(agent, events.Create("a/b"))
        await answer(agent, events.Create("ab"))
        for name in ("Sent", "Junk", "Trash", "Archive", "Drafts"):
            await answer(agent, events.Unsubscribe(name))
        await answer(agent, events.Subscribe("a"))
        given = await answer(agent, Watch((group,), status=True))
        assert isinstance(given, tuple)
        assert {each.name for each in given} == names

    watched(tmp_path, test)
