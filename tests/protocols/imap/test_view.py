"""Views, against lists of messages."""

from __future__ import annotations

import time
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.protocols.imap import view as views
from posthouse.protocols.imap.fetch import item
from posthouse.protocols.imap.fetch.item import (
    FLAGS,
    UID,
    Slice,
    at_positions,
    from_view,
    message_template,
    render,
)
from posthouse.protocols.imap.search.answers import ANSWERS, keep_answer, kept_answer
from posthouse.protocols.imap.sequence import joined
from posthouse.protocols.imap.view import Changes, Selected, View

flags = st.sampled_from([b"", b"\\Seen", b"\\Seen \\Flagged", b"$Junk"])
change = st.one_of(
    st.tuples(st.just("flags"), st.integers(1, 60), flags),
    st.tuples(st.just("gone"), st.integers(1, 60), flags),
    st.tuples(st.just("new"), st.integers(1, 3), flags),
)


def listed(view: View) -> list[tuple[int, bytes, int]]:
    return list(zip(view.uids, view.flags, view.modseqs, strict=True))


def said(view: View) -> bytes:
    selected = Selected("INBOX", 1, False, view)
    return b"".join(from_view(selected, [(0, len(view))], (UID, FLAGS)))


def described(view: View) -> tuple[set[bytes], int]:
    unseen = [at for at, text in enumerate(view.flags, 1) if b"\\Seen" not in text]
    assert view.first_without(b"\\Seen") == next(iter(unseen), 0)
    return view.flags_in_use(), view.first_without(b"\\Seen")


@settings(deadline=None)
@given(st.lists(st.lists(change, max_size=6), max_size=8), st.integers(0, 30))
def test_a_view_after_changes_is_the_list_after_them(
    steps: list[list[tuple[str, int, bytes]]], count: int
) -> None:
    with patch.object(views, "BLOCK", 4), patch.object(item, "BLOCK", 4):
        messages = dict.fromkeys(range(1, count + 1), (b"", 1))
        view, version, last = View.of(1, [(u, *m) for u, m in messages.items()]), 1, count
        for step in steps:
            told = view
            said(view)  # leaves blocks of octets with the view
            keep_answer(view, range(len(view)), "all", repr(view.uids).encode())
            version += 1
            changed: dict[int, tuple[bytes, int]] = {}
            expunged = []
            for what, number, its_flags in step:
                if what == "new":
                    changed.update((last + n, (its_flags, version)) for n in range(1, number + 1))
                    last += number
                elif what == "flags" and number in messages:
                    changed[number] = its_flags, version
                elif what == "gone" and number in messages:
                    expunged.append(number)
            before_step = dict(messages)
            messages.update(changed)
            for uid in expunged:
                messages.pop(uid, None)
            view = view.apply(
                Changes(version, [(u, *m) for u, m in sorted(changed.items())], expunged)
            )
            assert listed(view) == [(u, *m) for u, m in sorted(messages.items())]
            assert said(view) == said(View.of(version, listed(view)))
            assert described(view) == described(View.of(version, listed(view)))
            answer = repr(told.uids).encode() if view.uids == told.uids else None
            assert kept_answer(view, range(len(view)), "all") == answer
            stored, _ = view.flagged(version, [(5, 20, {b"": b"\\Seen", b"$Junk": b""})])
            assert described(stored) == described(View.of(version, listed(stored)))
            assert kept_answer(stored, range(len(view)), "all") == answer
            gone, newer = view.since(told)
            assert gone == sorted(set(before_step) - set(messages))
            assert newer == sorted(set(changed) & set(messages))
            assert all(view.index(uid) == at for at, uid in enumerate(view.uids))


@settings(deadline=None)
@given(st.integers(1, 30), st.data())
def test_a_response_is_the_same_whatever_it_stands_with(count: int, data: st.DataObject) -> None:
    """A part of a block, a whole one, or some that lie apart."""
    view = View.of(1, [(uid * 3, b"%d" % uid, 1) for uid in range(1, count + 1)])
    recent = data.draw(st.integers(0, 90))
    selected = Selected("INBOX", 1, False, view, recent=[(recent, recent + 9)])
    items = (UID, FLAGS)
    lines = render(items, Slice.of(selected, 0, count), message_template(items, selected))
    each = lines.splitlines(keepends=True)
    with (
        patch.object(views, "BLOCK", 4),
        patch.object(item, "BLOCK", 4),
        patch.object(item, "FEW", 2),
    ):
        for _ in range(2):  # again, from what was kept
            some = sorted(data.draw(st.sets(st.integers(0, count - 1))))
            right = [each[at] for at in some]
            assert b"".join(from_view(selected, joined(some), items)) == b"".join(right)
            assert b"".join(at_positions(selected, some, items)) == b"".join(right)


def test_answers_about_all_messages_are_kept_and_not_too_many() -> None:
    view = View.of(1, [(1, b"", 1), (2, b"", 1)])
    keep_answer(view, [0], "some", b"1")
    assert kept_answer(view, [0], "some") is None
    for number in range(ANSWERS + 1):
        keep_answer(view, [0, 1], number, b"%d" % number)
    assert [kept_answer(view, [0, 1], number) for number in (0, 1)] == [None, b"1"]
    assert kept_answer(view, range(2), ANSWERS) == b"%d" % ANSWERS
    assert kept_answer(view, [1], 1) is None


@given(st.sets(st.integers(1, 30)), st.sets(st.integers(1, 30)), st.data())
def test_ghosts_are_left_out(uids: set[int], ghosts: set[int], data: st.DataObject) -> None:
    view = View.of(1, [(uid, b"", 1) for uid in sorted(uids)])
    selected = Selected("INBOX", 1, False, view, ghosts=ghosts & uids)
    start = data.draw(st.integers(0, len(view)))
    stop = data.draw(st.integers(start, len(view)))
    alive = selected.alive([(start, stop)] if start < stop else [])
    found = [view.uids[at] for low, high in alive for at in range(low, high)]
    assert found == [uid for uid in sorted(uids)[start:stop] if uid not in ghosts]


def test_a_change_costs_no_step_for_each_message() -> None:
    """A mailbox of 100,000 messages."""
    view = View.of(1, [(uid, b"\\Seen", 1) for uid in range(1, 100_001)])
    said(view)
    begun = time.process_time()
    for version in range(2, 52):
        view = view.apply(Changes(version, [(100, b"", version)], [view.uids[50_000]]))
    assert time.process_time() - begun < 2
    assert len(view) == 100_000 - 50
