"""What SEARCH, SORT and THREAD say of the messages they find; what they say of all of them is kept.

What all the messages of a mailbox are called, and in which order and threads they are, changes
with the messages alone: until one comes or goes, the same question has the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..view import Selected, View

ANSWERS = 16  # kept with a view


def numbers_of(selected: Selected, positions: Sequence[int], by_uid: bool) -> Sequence[int]:
    """What the client calls the messages at these positions."""
    if by_uid:
        uids = selected.view.uids
        return [uids[at] for at in positions]
    if isinstance(positions, range):
        return range(positions.start + 1, positions.stop + 1)
    return [at + 1 for at in positions]


def kept_answer(view: View, positions: Sequence[int], asked: object) -> bytes | None:
    """What was said to the same question, if it is about all messages."""
    if len(positions) < len(view):
        return None
    return view.kept.get(view.answers.get(asked))


def keep_answer(view: View, positions: Sequence[int], asked: object, said: bytes) -> None:
    """Keep it, if it is about all messages; not more than some, those that came last."""
    if len(positions) < len(view):
        return
    if len(view.answers) >= ANSWERS:
        del view.answers[next(iter(view.answers))]
    view.answers[asked] = view.kept.put(said)
