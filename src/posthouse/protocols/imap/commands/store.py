"""STORE (RFC 3501 §6.4.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import compress

from ...dialogue import Dialogue, send
from ..events import decide
from ..extension import Command, Tells
from ..fetch.item import FLAGS, MODSEQ, UID, Item, from_view, news_of_flags, with_uids
from ..grammar import Reader
from ..mail_events import Mode, News, Store
from ..modifiers import Positions, store_modifiers
from ..modseq import changed_since, make_aware
from ..news import report
from ..result import No
from ..sequence import format_set, joined, parse_sequence_set, runs
from ..session import IN_MAILBOX, Session
from ..view import Selected, View, writable

_MODE = re.compile(rb"([+-]?FLAGS)(\.SILENT)?(?= )", re.IGNORECASE)


def store(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """store = "STORE" SP sequence-set SP [store-modifiers SP] store-att-flags"""
    reader.space()
    ranges = parse_sequence_set(reader.sequence_set())
    reader.space()
    unchanged_since = _unchanged_since(session, reader)
    name, silent = reader.take(_MODE, "FLAGS, +FLAGS or -FLAGS").groups()
    mode = Mode(name.decode("ascii").upper())
    reader.space()
    flags = store_flags(reader)
    reader.end()
    selected = writable(session.selected)
    if unchanged_since is not None:
        yield from make_aware(session)
    positions = selected.resolve(ranges, by_uid)
    if not positions:
        return "no such messages, so nothing stored"
    told = selected.view
    uids = told.uid_ranges(positions)
    question = Store(told.version, uids, mode, flags, unchanged_since)
    news = yield from decide(question, News)
    if news.modified and mode is not Mode.REPLACE:
        news = yield from _again(told, news, question)
    if silent:
        known = _expected(told, news, positions, mode, flags)
    else:
        known = {uid for start, stop in positions for uid in told.uids[start:stop]}
    yield from report(selected, news, False, known.union(news.modified) if news.modified else known)
    left = selected.view.indexes(news.modified)
    if not silent:
        yield from _tell_flags(selected, selected.alive(positions), by_uid)
    elif "CONDSTORE" in selected.enabled:
        stored = selected.alive(positions)
        if unchanged_since is None:
            stored = joined(changed_since(selected, stored, told.version))
        yield from _tell_modseqs(selected, stored, left)
        yield from _tell_flags(selected, joined(left), by_uid)
    which = format_set(runs(sorted(news.modified) if by_uid else [at + 1 for at in left])).decode()
    if (not silent or which) and not by_uid and selected.haunted(positions):
        # RFC 2180 §4.2.2, §4.2.3; RFC 7162 §3.1.3
        code = f"MODIFIED {which}" if which else "EXPUNGEISSUED"
        raise No("some of the messages were expunged", code)
    return f"[MODIFIED {which}] some have changed meanwhile" if which else "stored"


def _unchanged_since(session: Session, reader: Reader) -> int | None:
    """The one modifier that there is (RFC 7162 §3.1.3)."""
    modseq = store_modifiers(session, reader).get("UNCHANGEDSINCE")
    assert modseq is None or isinstance(modseq, int)
    return modseq


def _again(told: View, news: News, question: Store) -> Dialogue[News]:
    """Store where only other flags were changed than those named (RFC 7162 §3.1.12).

    What the client knows of the message is what it was told in this session, if that is not newer
    than what it says it knows.
    """
    view, since = news.view, question.unchanged_since
    assert since is not None
    named = frozenset([flag.lower() for flag in question.flags])
    uids = []
    for uid in news.modified:
        before, after = told.index(uid), view.index(uid)
        if before is None or after is None or told.modseqs[before] > since:
            continue
        old, new = (set(text.lower().split()) for text in (told.flags[before], view.flags[after]))
        if old & named == new & named:
            uids.append(uid)
    if not uids:
        return news
    second = replace(question, uids=runs(uids), unchanged_since=view.version)
    more = yield from decide(second, News)
    left = set(news.modified).difference(uids).union(more.modified)
    return replace(more, modified=sorted(left), recent=[*news.recent, *more.recent])


def _tell_flags(selected: Selected, positions: Positions, by_uid: bool) -> Dialogue[None]:
    items: Sequence[Item] = news_of_flags(selected) if by_uid or with_uids(selected) else (FLAGS,)
    for octets in from_view(selected, positions, items):
        yield from send(octets)


def _tell_modseqs(selected: Selected, stored: Positions, left: list[int]) -> Dialogue[None]:
    """Of what was stored in silence (RFC 7162 §3.1.3); those `left` alone are told whole."""
    if left:
        named = {at for start, stop in stored for at in range(start, stop)}
        stored = joined(sorted(named.difference(left)))
    for octets in from_view(selected, stored, (UID, MODSEQ)):
        yield from send(octets)


def store_flags(reader: Reader) -> tuple[bytes, ...]:
    """(flag-list / (flag *(SP flag)))"""
    if reader.next_is(b"("):
        return reader.flag_list()
    flags = [reader.flag()]
    while reader.accept(b" "):
        flags.append(reader.flag())
    return reader.flags(flags)


def _expected(
    told: View,
    news: News,
    positions: Iterable[tuple[int, int]],
    mode: Mode,
    flags: tuple[bytes, ...],
) -> set[int]:
    """The UIDs whose new flags are what a client that stored in silence takes them to be."""
    outcomes = _Outcomes(mode, flags)
    view, count = news.view, len(told)
    found = set[int]()
    if view.uids[:count] == told.uids:  # all are where they were
        for start, stop in positions:
            were, are = told.flags[start:stop], view.flags[start:stop]
            uids = told.uids[start:stop]
            if all(map(outcomes.__getitem__, set(zip(were, are, strict=True)))):
                found.update(uids)
            else:
                pairs = zip(were, are, strict=True)
                found.update(compress(uids, map(outcomes.__getitem__, pairs)))
        return found
    changed = view.since(told)[1] if news.changed is None else news.changed
    before, after = told.finder(len(changed)), view.finder(len(changed))
    named = bytearray(count)
    for start, stop in positions:
        named[start:stop] = b"\1" * (stop - start)
    for uid in changed:
        old, new = before(uid), after(uid)
        if old is None or new is None or not named[old]:
            continue
        if outcomes[told.flags[old], view.flags[new]]:
            found.add(uid)
    return found


class _Outcomes(dict[tuple[bytes, bytes], bool]):
    """Of flags before and after: whether they have become what the command makes of them."""

    def __init__(self, mode: Mode, flags: tuple[bytes, ...]) -> None:
        super().__init__()
        self._mode = mode
        self._flags = flags

    def __missing__(self, pair: tuple[bytes, bytes]) -> bool:
        expected = _outcome(pair[0], self._mode, self._flags)
        self[pair] = expected == frozenset(pair[1].lower().split())
        return self[pair]


def _outcome(before: bytes, mode: Mode, flags: tuple[bytes, ...]) -> frozenset[bytes]:
    """The flags after the change, in small letters."""
    named = frozenset([flag.lower() for flag in flags])
    if mode is Mode.REPLACE:
        return named
    held = frozenset(before.lower().split())
    return held | named if mode is Mode.ADD else held - named


STORE = Command(store, IN_MAILBOX, Tells.NO_EXPUNGE, by_number=True)
