"""Views that sessions share: who counts as a session, and who is reminded of what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from posthouse.message.summary import summarise
from posthouse.store import changes, flags, views
from posthouse.store.contents import prepare
from posthouse.store.mailboxes import create_default_mailboxes
from posthouse.store.messages.append import append_message
from posthouse.store.messages.expunge import expunge_messages
from posthouse.store.messages.rows import INBOX
from posthouse.store.messages.store import Change, store_flags
from posthouse.store.migrate import migrate
from posthouse.store.store import Store
from posthouse.store.unit import Unit, Work, run
from posthouse.store.views import MailboxViews, SharedView

CONTENT = b"Subject: any\r\n\r\n"


def append(flags: str = "") -> Unit[object]:
    return append_message(1, "INBOX", prepare(CONTENT), summarise(CONTENT), 0, flags)


def one_account() -> Work[None]:
    yield from run("INSERT INTO account (id, address, password, created) VALUES (1, 'a', '', 0)")
    yield from create_default_mailboxes(1, 1)


def forget_changes() -> Work[None]:
    yield from run("UPDATE mailbox SET change_floor = highest_modseq")
    yield from run("DELETE FROM change")


Test = Callable[[Store, MailboxViews], Coroutine[object, object, None]]


def with_views(directory: Path, test: Test) -> None:
    migrate(directory)

    async def main() -> None:
        store = Store(directory)
        try:
            await store.write(one_account)
            await asyncio.wait_for(test(store, MailboxViews(store)), 20)
        finally:
            store.close()

    asyncio.run(main())


async def opened(views: MailboxViews) -> SharedView:
    shared = await views.open(1, INBOX)
    assert shared is not None
    return shared


def test_a_session_that_goes_while_its_view_is_loaded_is_none(tmp_path: Path) -> None:
    async def test(store: Store, views: MailboxViews) -> None:
        shared = await opened(views)
        await store.write(append())
        await store.write(forget_changes)
        opening = asyncio.create_task(views.open(1, INBOX))
        await asyncio.sleep(0)
        assert shared.sessions == 2  # it waits for the mailbox to be loaded anew
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert shared.sessions == 1

    with_views(tmp_path, test)


def test_sessions_that_load_one_mailbox_at_once_share_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "RESTING", 0)

    async def test(_store: Store, views: MailboxViews) -> None:
        first, second = await asyncio.gather(opened(views), opened(views))
        assert first is second
        views.close(first)
        views.close(second)

        async def come_and_go() -> None:
            views.close(await opened(views))

        # One has left, and has the view rest, before the other one has loaded it.
        await asyncio.gather(come_and_go(), come_and_go(), come_and_go())
        assert (await opened(views)).sessions == 1

    with_views(tmp_path, test)


def test_the_rest_of_views_is_counted(tmp_path: Path) -> None:
    async def test(_store: Store, views: MailboxViews) -> None:
        async def come_and_go() -> None:
            views.close(await opened(views))

        await asyncio.gather(*(come_and_go() for _ in range(5)))
        await opened(views)
        assert views.resting == 0

    with_views(tmp_path, test)


def test_a_view_that_rests_costs_what_was_made_of_it_and_no_history(tmp_path: Path) -> None:
    async def test(store: Store, views: MailboxViews) -> None:
        await store.write(append())
        shared = await opened(views)
        views.close(shared)
        small = views.resting
        assert await opened(views) is shared
        shared.flagged(await store.write(store_flags(1, INBOX, [(1, 1)], flags.added, ("$Junk",))))
        assert shared.steps
        shared.view.blocks[b"FLAGS", 0] = bytes(100_000)
        views.close(shared)
        assert not shared.steps
        assert not shared.remembered
        assert views.resting >= small + 100_000 // 20
        await store.write(append())
        assert await opened(views) is shared
        assert views.resting == 0
        assert list(shared.view.uids) == [1, 2]
        views.close(shared)
        assert views.resting <= small + 1 + 100_000 // 20

    with_views(tmp_path, test)


def test_who_is_far_behind_loads_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_AT_ONCE", 3)

    async def test(store: Store, views: MailboxViews) -> None:
        shared = await opened(views)
        version = shared.view.version
        for _ in range(4):
            await store.write(append())
        await views.refresh(shared)
        assert list(shared.view.uids) == [1, 2, 3, 4]
        assert shared.since(version).vanished is None  # the views are compared

    with_views(tmp_path, test)


def test_only_what_was_not_heard_of_is_reminded_of(tmp_path: Path) -> None:
    async def test(store: Store, views: MailboxViews) -> None:
        heard = 0

        def listener() -> None:
            nonlocal heard
            heard += 1

        views.listen(1, "session", listener)
        await store.write(append())
        assert heard == 1
        await views.remind()
        assert heard == 1
        # Another process writes, and its news is lost.
        elsewhere = Store(tmp_path)
        await elsewhere.write(append())
        elsewhere.close()
        await views.remind()
        assert heard == 2
        await views.remind()
        assert heard == 2
        views.ignore(1, "session")
        await store.write(append())
        await views.remind()
        assert heard == 2

    with_views(tmp_path, test)


KEEP_OR_SEE = ("\\Seen", "\\Flagged", "\\Seen $Junk", "")


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("change", [flags.added, flags.removed, flags.replaced])
@pytest.mark.parametrize("ranges", [[(1, 12)], [(1, 4), (7, 7), (9, 900)], [(3, 3)], [(40, 50)]])
def test_what_a_store_has_done_follows_from_the_view(
    tmp_path: Path, known: bool, change: Change, ranges: list[tuple[int, int]]
) -> None:
    async def test(store: Store, views: MailboxViews) -> None:
        for number in range(12):
            await store.write(append(flags=KEEP_OR_SEE[number % 4]))
        for uid in (2, 8):
            await store.write(expunge_messages(1, INBOX, [(uid, uid)], 0, deleted_only=False))
        shared = await opened(views)
        told = shared.view
        at_hand = shared.known_flags() if known else None
        given = ("\\Seen", "$Junk")
        stored = await store.write(
            store_flags(1, INBOX, ranges, change, given, unchanged_since=None, known=at_hand)
        )
        shared.flagged(stored)
        followed = shared.view, shared.since(told.version)
        other = await opened(MailboxViews(store))
        assert shared.view.version == other.view.version
        assert shared.view.uids == other.view.uids
        assert shared.view.flags == other.view.flags
        assert shared.view.modseqs == other.view.modseqs
        await views.refresh(shared)
        assert shared.view is followed[0]
        assert list(followed[1].changed or ()) == other.view.since(told)[1]

    with_views(tmp_path, test)


def test_a_store_is_not_followed_where_something_else_was_done(tmp_path: Path) -> None:
    async def test(store: Store, views: MailboxViews) -> None:
        await store.write(append())
        shared = await opened(views)
        told = shared.view
        known = shared.known_flags()
        await store.write(append(flags="\\Draft"))
        change = store_flags(1, INBOX, [(1, 2)], flags.added, ("\\Seen",), known=known)
        stored = await store.write(change)
        shared.flagged(stored)
        assert shared.view is told
        await views.refresh(shared)
        assert shared.view.flags == [b"\\Seen", b"\\Seen \\Draft"]

    with_views(tmp_path, test)


def test_nothing_is_kept_for_views_that_are_no_more(tmp_path: Path) -> None:
    """Blocks and answers that do not hold any more make room at once."""

    async def test(store: Store, views: MailboxViews) -> None:
        await store.write(append())
        shared = await opened(views)
        kept = shared.view.kept
        block = shared.view.lasting[b"UID %d", 0] = kept.put(b"* 1 FETCH (UID 1)\r\n")
        answer = shared.view.answers["all"] = kept.put(b"1")
        await store.write(store_flags(1, INBOX, [(1, 1)], flags.added, ("\\Seen",)))
        await views.refresh(shared)
        assert kept.get(block)
        assert kept.get(answer)
        await store.write(append())
        await views.refresh(shared)
        assert kept.get(block) is None
        assert kept.get(answer) is None

    with_views(tmp_path, test)


def test_nothing_is_kept_for_a_view_that_has_rested_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "RESTING", 0)

    async def test(store: Store, shared_views: MailboxViews) -> None:
        await store.write(append())
        shared = await opened(shared_views)
        block = shared.view.lasting[b"UID %d", 0] = shared.view.kept.put(b"* 1 FETCH (UID 1)\r\n")
        shared_views.close(shared)
        assert shared.view.kept.get(block) is None

    with_views(tmp_path, test)
