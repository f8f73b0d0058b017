"""STORE (RFC 3501 §6.4.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...dialogue import Dialogue, send
from ..events import decide
from ..extension import Command, Tells
from ..fetch.item import FLAGS, UID, from_view
from ..grammar import Reader
from ..mail_events import Mode, News, Store
from ..news import report
from ..result import No
from ..sequence import parse_sequence_set
from ..session import IN_MAILBOX, Session
from ..view import View, writable

_MODE = re.compile(rb"([+-]?FLAGS)(\.SILENT)?(?= )", re.IGNORECASE)


def store(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """store = "STORE" SP sequence-set SP store-att-flags"""
    reader.space()
    ranges = parse_sequence_set(reader.sequence_set())
    reader.space()
    name, silent = reader.take(_MODE, "FLAGS, +FLAGS or -FLAGS").groups()
    mode = Mode(name.decode("ascii").upper())
    reader.space()
    flags = store_flags(reader)
    reader.end()
    selected = writable(session.selected)
    positions = selected.view.resolve(ranges, by_uid)
    if not positions:
        return "no such messages, so nothing stored"
    told = selected.view
    news = yield from decide(Store(told.version, told.uid_ranges(positions), mode, flags), News)
    if silent:
        yield from report(selected, news, False, _expected(told, news, positions, mode, flags))
        return "stored"
    named = {uid for start, stop in positions for uid in told.uids[start:stop]}
    yield from report(selected, news, False, named)
    alive = selected.alive(positions)
    for octets in from_view(selected, alive, (UID, FLAGS) if by_uid else (FLAGS,)):
        yield from send(octets)
    if alive != positions and not by_uid:  # RFC 2180 §4.2.2, §4.2.3
        raise No("some of the messages were expunged", "EXPUNGEISSUED")
    return "stored"


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
    changed = news.view.since(told)[1] if news.changed is None else news.changed
    named = bytearray(len(told))
    for start, stop in positions:
        named[start:stop] = b"\1" * (stop - start)
    outcomes: dict[tuple[bytes, bytes], bool] = {}
    found = set()
    for uid in changed:
        before, after = told.index(uid), news.view.index(uid)
        if before is None or after is None or not named[before]:
            continue
        pair = (told.flags[before], news.view.flags[after])
        if pair not in outcomes:
            outcomes[pair] = _outcome(pair[0], mode, flags) == frozenset(pair[1].lower().split())
        if outcomes[pair]:
            found.add(uid)
    return found


def _outcome(before: bytes, mode: Mode, flags: tuple[bytes, ...]) -> frozenset[bytes]:
    """The flags after the change, in small letters."""
    named = frozenset([flag.lower() for flag in flags])
    if mode is Mode.REPLACE:
        return named
    held = frozenset(before.lower().split())
    return held | named if mode is Mode.ADD else held - named


STORE = Command(store, IN_MAILBOX, Tells.NO_EXPUNGE)
