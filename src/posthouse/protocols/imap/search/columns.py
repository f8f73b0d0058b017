"""What is known of messages in columns: from the agent, or from their headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from posthouse.message.ordering import Keys, ordering_keys

from ...dialogue import Dialogue, ask, rest
from ..mail_events import LARGE_HEADER, NOTHING, FetchRows, FindOrdering, Need, Ordering, Row
from ..progress import Progress
from ..view import Selected

AT_ONCE = 64  # headers
ROWS_AT_ONCE = 256  # without headers
FEW = 200  # messages that are looked at, rather than what the agent knows of all around them
SPARSE = 20  # UIDs for one message wanted

_NEEDS = {"arrival": Need.DATE, "size": Need.SIZE, "sent": Need.DATE | Need.HEADER}


def columns_of(
    selected: Selected,
    positions: Sequence[int],
    columns: tuple[str, ...],
    progress: Progress | None = None,
) -> Dialogue[tuple[Sequence[int], list[Sequence[Any]]]]:
    """The columns of these messages; positions of messages that are not there are left out."""
    view = selected.view
    uids: Sequence[int] = view.uids
    if len(positions) < len(uids):
        uids = [uids[at] for at in positions]
    if not uids or not columns:
        return positions, [[] for _ in columns]
    answer = None
    if len(uids) > FEW or uids[-1] - uids[0] < SPARSE * len(uids):
        answer = yield from ask(FindOrdering(columns), object)
    if not isinstance(answer, Ordering):
        answer = Ordering((), ())
    if answer.uids == uids:
        return positions, list(answer.columns)
    return (yield from _completed(positions, uids, columns, answer, progress))


def _completed(
    positions: Sequence[int],
    uids: Sequence[int],
    columns: tuple[str, ...],
    known: Ordering,
    progress: Progress | None,
) -> Dialogue[tuple[Sequence[int], list[Sequence[Any]]]]:
    """What is known of these messages, and what has to be looked for."""
    places = dict(zip(known.uids, range(len(known.uids)), strict=True))
    missing = [uid for uid in uids if uid not in places]
    made: dict[int, tuple[Any, ...]] = {}
    needs = NOTHING
    for column in columns:
        needs |= _NEEDS.get(column, Need.HEADER)
    most = AT_ONCE if Need.HEADER in needs else ROWS_AT_ONCE
    for start in range(0, len(missing), most):
        rows = yield from _made(missing[start : start + most], columns, needs)
        made.update({row[0]: row for row in rows})
        if progress is not None:
            yield from progress.step(start + most, len(missing))
    pairs = zip(positions, uids, strict=True)
    there = [at for at, uid in pairs if uid in places or uid in made]
    left = [uid for uid in uids if uid in places or uid in made]
    if not made:
        at_places = [places[uid] for uid in left]
        return there, [[values[at] for at in at_places] for values in known.columns]
    return there, [
        [known.columns[at][places[uid]] if uid in places else made[uid][at + 1] for uid in left]
        for at in range(len(columns))
    ]


def _made(
    uids: Sequence[int], columns: tuple[str, ...], needs: Need
) -> Dialogue[list[tuple[Any, ...]]]:
    """UID and columns of messages that the agent has to look at."""
    rows: list[Row] = yield from ask(FetchRows(uids, needs), list)
    made = []
    for row in rows:
        if len(row[6] or b"") > LARGE_HEADER:
            yield from rest()
        keys = ordering_keys(row[6] or b"") if Need.HEADER in needs else None
        made.append((row[0], *[_value(row, keys, column) for column in columns]))
    return made


def _value(row: Row, keys: Keys | None, column: str) -> object:
    if column == "arrival":
        return row[1] or 0
    if column == "size":
        return row[2] or 0
    assert keys is not None
    if column == "sent":
        return keys.sent if keys.sent is not None else row[1] or 0
    return keys.references if column == "refs" else getattr(keys, column)
