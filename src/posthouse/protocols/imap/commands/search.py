"""SEARCH (RFC 3501 §6.4.4)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..extension import Command, Tells
from ..grammar import Reader
from ..news import tell
from ..search.grammar import search_program
from ..search.scan import find
from ..session import IN_MAILBOX, Session


def search(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """search = "SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)"""
    key = search_program(session, reader)
    yield from tell(session, expunges_allowed=False)  # what is found is not older than the news
    selected = session.selected
    assert selected is not None
    positions = yield from find(selected, key)
    uids = selected.view.uids
    numbers = [uids[at] for at in positions] if by_uid else [at + 1 for at in positions]
    yield from send(" ".join(["* SEARCH", *map(str, numbers)]).encode("ascii") + b"\r\n")
    return "searched"


SEARCH = Command(search, IN_MAILBOX, Tells.NO_EXPUNGE)
