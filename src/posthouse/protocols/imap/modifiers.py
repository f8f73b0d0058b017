"""Modifiers of FETCH and STORE, which stand in parentheses (RFC 4466 §2.4, §2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..dialogue import Dialogue
from .fetch.item import Item
from .grammar import Reader
from .parameters import in_parentheses, parameters
from .result import Bad
from .sequence import Ranges
from .session import Session
from .view import Selected

Positions = list[tuple[int, int]]  # [from, to)


class FetchModifier:
    """What a modifier does to FETCH; its `Parse` makes one."""

    __slots__ = ()

    uid_only: ClassVar[bool] = False  # it goes with UID FETCH alone
    first: ClassVar[bool] = False  # of those that make the messages fewer
    items: ClassVar[tuple[Item, ...]] = ()  # told beside those that are named

    def check(self, session: Session, others: Mapping[str, FetchModifier]) -> None:
        """Before anything is done. Raises Bad."""

    def begin(
        self, session: Session, named: Ranges, others: Mapping[str, FetchModifier]
    ) -> Dialogue[None]:
        """Before any FETCH response; `named` as the command names the messages."""
        yield from ()

    def narrow(self, selected: Selected, positions: Positions) -> Positions:
        """Those messages that are wanted still."""
        return positions


def fetch_modifiers(session: Session, reader: Reader, by_uid: bool) -> dict[str, FetchModifier]:
    """fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")", or none"""
    found: dict[str, FetchModifier] = {}
    given = parameters(reader, [each.fetch_modifiers for each in session.extensions])
    for name, its in given.items():
        assert isinstance(its, FetchModifier)
        if its.uid_only and not by_uid:
            raise Bad(f"{name} goes with UID FETCH alone")
        found[name] = its
    for its in found.values():
        its.check(session, found)
    return dict(sorted(found.items(), key=lambda each: not each[1].first))


def store_modifiers(session: Session, reader: Reader) -> dict[str, object]:
    """store-modifiers = "(" store-modifier *(SP store-modifier) ")" SP, or none"""
    if not reader.next_is(b"("):
        return {}
    found = in_parentheses(reader, [each.store_modifiers for each in session.extensions])
    reader.space()
    return found
