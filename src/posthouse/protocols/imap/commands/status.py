"""STATUS (RFC 3501 §6.3.10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...dialogue import Dialogue, send
from .. import responses
from ..events import Counts, Status, decide
from ..extension import Command
from ..grammar import Reader
from ..result import Bad
from ..session import Session

#: Those that are not of RFC 3501 are offered by an extension, as one of its `status_items`.
_ITEMS: Mapping[str, Callable[[Counts], int]] = {
    "MESSAGES": lambda counts: counts.messages,
    "RECENT": lambda counts: counts.recent,
    "UIDNEXT": lambda counts: counts.uid_next,
    "UIDVALIDITY": lambda counts: counts.uid_validity,
    "UNSEEN": lambda counts: counts.unseen,
    "HIGHESTMODSEQ": lambda counts: counts.highest_modseq,  # RFC 7162 §3.1.7
}
_PLAIN = frozenset({"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"})


def status(session: Session, reader: Reader) -> Dialogue[str]:
    """status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" """
    reader.space()
    name = reader.mailbox()
    reader.space()
    items = dict.fromkeys(item.upper() for item in reader.list(reader.atom))
    reader.end()
    offered = _PLAIN.union(*(each.status_items for each in session.extensions))
    if not items or not offered.issuperset(items):
        raise Bad("no such status item")
    counts = yield from decide(Status(name), Counts)
    told = " ".join(f"{item} {_ITEMS[item](counts)}" for item in items)
    said = b"STATUS %b (%b)" % (responses.mailbox(name), told.encode("ascii"))
    yield from send(responses.untagged(said))
    return "that is all"


STATUS = Command(status)
