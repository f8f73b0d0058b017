"""FETCH (RFC 3501 §6.4.5)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..extension import Command, Tells
from ..fetch.grammar import fetch_atts, sets_seen
from ..fetch.item import MODSEQ, UID, from_view
from ..fetch.rows import needs_of, send_rows
from ..grammar import Reader
from ..modifiers import fetch_modifiers
from ..modseq import make_aware
from ..news import tell, tell_modseq
from ..result import No
from ..sequence import parse_sequence_set
from ..session import IN_MAILBOX, Session


def fetch(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """fetch = "FETCH" SP sequence-set SP ("ALL" / ... / fetch-att / ...) [fetch-modifiers]"""
    reader.space()
    ranges = parse_sequence_set(reader.sequence_set())
    reader.space()
    items = fetch_atts(session, reader)
    modifiers = fetch_modifiers(session, reader, by_uid)
    reader.end()
    yield from tell(session, expunges_allowed=False)  # what is given is not older than the news
    selected = session.selected
    assert selected is not None
    for modifier in modifiers.values():
        yield from modifier.begin(session, ranges, modifiers)
        items += [item for item in modifier.items if item not in items]
    positions = selected.resolve(ranges, by_uid)
    for modifier in modifiers.values():
        positions = modifier.narrow(selected, positions)
    if by_uid and UID not in items and not selected.by_uid_only:  # §6.4.8
        items = [UID, *items]
    if MODSEQ in items:
        yield from make_aware(session)
        yield from tell_modseq(selected)
    if not needs_of(items):
        for octets in from_view(selected, positions, items):
            yield from send(octets)
        return "fetched"
    complete = yield from send_rows(selected, positions, items, sets_seen(items))
    if not complete and not by_uid:  # RFC 2180 §4.1.2
        raise No("some of the messages were expunged", "EXPUNGEISSUED")
    return "fetched"


FETCH = Command(fetch, IN_MAILBOX, Tells.NO_EXPUNGE, by_number=True)
