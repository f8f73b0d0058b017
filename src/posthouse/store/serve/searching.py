"""What IMAP asks of the search index about the selected mailbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from posthouse.protocols.imap.mail_events import FindOrdering, FindText, Ordering, TextFound

from ..search.searching import Searching
from ..store import Store
from ..unit import Unit, Work, one_of


def created(account: int) -> Unit[int]:
    """When an account was made: an id may be given again."""

    def unit() -> Work[int]:
        row = yield from one_of("SELECT created FROM account WHERE id = ?1", account)
        return -1 if row is None else int(row[0])

    return unit


class SearchAnswers:
    """The answers for one connection. Without an index, nothing is known."""

    def __init__(
        self, store: Store, searching: Searching | None, selected: Callable[[], tuple[int, int]]
    ) -> None:
        self._store = store
        self._searching = searching
        self._selected = selected

    def _place(self) -> tuple[int, int, int]:
        account, mailbox = self._selected()
        return account, self._store.read(created(account)), mailbox

    async def _text(self, question: FindText) -> TextFound | None:
        if self._searching is None:
            return None
        found = await self._searching.holding(
            self._place(), question.needle, question.in_header, question.in_body, question.field
        )
        return TextFound(found.found, found.unknown)

    async def _ordering(self, question: FindOrdering) -> Ordering | None:
        if self._searching is None:
            return None
        columns = await self._searching.ordering(self._place(), question.columns)
        return Ordering(columns[0].uids, [column.values for column in columns])

    answers: ClassVar[Mapping[type, Callable[..., object]]] = {
        FindText: _text,
        FindOrdering: _ordering,
    }
