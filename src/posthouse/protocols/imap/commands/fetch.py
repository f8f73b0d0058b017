"""FETCH (RFC 3501 §6.4.5)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..extension import Command, Tells
from ..fetch.grammar import fetch_atts, sets_seen
from ..fetch.item import UID, from_view
from ..fetch.rows import needs_of, send_rows
from ..grammar import Reader
from ..news import tell
from ..result import No
from ..sequence import parse_sequence_set
from ..session import IN_MAILBOX, Session


def fetch(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / ...)"""
    reader.space()
    ranges = parse_sequence_set(reader.sequence_set())
    reader.space()
    items = fetch_atts(session, reader)
    reader.end()
    yield from tell(session, expunges_allowed=False)  # what is given is not older than the news
    selected = session.selected
    assert selected is not None
    positions = selected.view.resolve(ranges, by_uid)
    if by_uid and UID not in items:  # §6.4.8
        items = [UID, *items]
    if not needs_of(items):
        for octets in from_view(selected, positions, items):
            yield from send(octets)
        return "fetched"
    complete = yield from send_rows(selected, positions, items, sets_seen(items))
    if not complete and not by_uid:  # RFC 2180 §4.1.2
        raise No("some of the messages were expunged", "EXPUNGEISSUED")
    return "fetched"


FETCH = Command(fetch, IN_MAILBOX, Tells.NO_EXPUNGE)
