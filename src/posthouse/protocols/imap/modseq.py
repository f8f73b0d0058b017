"""Mod-sequences: who is told of them, and what has changed since one (RFC 7162 §3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..dialogue import Dialogue, send
from .fetch.item import MODSEQ, Item
from .modifiers import FetchModifier, Positions
from .news import highest_modseq
from .sequence import Ranges, joined
from .session import Session
from .view import Selected


def make_aware(session: Session) -> Dialogue[None]:
    """A command that enables CONDSTORE: the first of them, in a mailbox, tells where it is."""
    if "CONDSTORE" in session.enabled:
        return
    session.enabled.add("CONDSTORE")
    if session.selected is not None:
        yield from send(highest_modseq(session.selected))


def changed_since(selected: Selected, positions: Positions, since: int) -> list[int]:
    """Those of these positions [from, to) that have a larger mod-sequence, one by one."""
    view = selected.view
    if since >= view.version:
        return []
    found: list[int] = []
    for start, stop in positions:
        found += view.changed(since, start, stop)
    return found


@dataclass(frozen=True, slots=True)
class ChangedSince(FetchModifier):
    """chgsince-fetch-mod = "CHANGEDSINCE" SP mod-sequence-value (§3.1.4.1)"""

    since: int
    items: ClassVar[tuple[Item, ...]] = (MODSEQ,)

    def begin(
        self, session: Session, named: Ranges, others: Mapping[str, FetchModifier]
    ) -> Dialogue[None]:
        yield from make_aware(session)

    def narrow(self, selected: Selected, positions: Positions) -> Positions:
        return joined(changed_since(selected, positions, self.since))
