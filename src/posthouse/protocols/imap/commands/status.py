"""STATUS (RFC 3501 §6.3.10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ...dialogue import Ask, Dialogue
from .. import responses
from ..events import Counts, Status, decided
from ..extension import Command
from ..grammar import Reader, remembered
from ..modseq import make_aware
from ..result import Bad
from ..session import Session

#: Those that are not of RFC 3501 are offered by an extension, as one of its `status_items`.
_ITEMS: Mapping[str, Callable[[Session, Counts], object]] = {
    "MESSAGES": lambda _, counts: counts.messages,
    "RECENT": lambda _, counts: counts.recent,
    "UIDNEXT": lambda _, counts: counts.uid_next,
    "UIDVALIDITY": lambda _, counts: counts.uid_validity,
    "UNSEEN": lambda _, counts: counts.unseen,
    "HIGHESTMODSEQ": lambda _, counts: counts.highest_modseq,  # RFC 7162 §3.1.7
    "SIZE": lambda _, counts: counts.size,  # RFC 8438 §2
    "DELETED": lambda _, counts: counts.deleted,  # RFC 9208 §4.1.4
    "DELETED-STORAGE": lambda _, counts: counts.deleted_size,
    "MAILBOXID": lambda _, counts: f"({counts.mailbox_id})",  # RFC 8474 §4.3
    "APPENDLIMIT": lambda session, _: session.limits.message,  # RFC 7889 §3
}
_PLAIN = frozenset({"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"})
RESPONSES = 4  # that are kept with the same counts


def _arguments(reader: Reader) -> Status:
    """SP mailbox SP "(" status-att *(SP status-att) ")" """
    reader.space()
    name = reader.mailbox()
    reader.space()
    items = _items(reader)
    reader.end()
    return Status(name, items)


_question = remembered(_arguments)


def status(session: Session, reader: Reader) -> Dialogue[str]:
    """status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" """
    question = _question(reader)
    items = question.items
    _check(session, items)
    if "HIGHESTMODSEQ" in items:
        yield from make_aware(session)
    counts = yield Ask(question)
    if type(counts) is not Counts:
        counts = yield from decided(counts, Counts)
    session.ahead = told(session, reader.utf8, question, counts)
    return "that is all"


def status_items(session: Session, reader: Reader) -> tuple[str, ...]:
    """ "(" status-att *(SP status-att) ")", each once"""
    items = _items(reader)
    _check(session, items)
    return items


def _items(reader: Reader) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.upper() for item in reader.list(reader.atom)))


def _check(session: Session, items: tuple[str, ...]) -> None:
    if items and _PLAIN.issuperset(items):
        return
    offered = _PLAIN.union(*(each.status_items for each in session.extensions))
    if not items or not offered.issuperset(items):
        raise Bad("no such status item")


def told(session: Session, utf8: bool, question: Status, counts: Counts) -> bytes:
    """The response, which is the same again where the agent gives the same counts again."""
    key = question.name, question.items, utf8, session.limits.message
    octets = counts.told.get(key)
    if octets is None:
        octets = response(session, question.name, counts, question.items)
        if len(counts.told) < RESPONSES:
            counts.told[key] = octets
    return octets


def response(session: Session, name: str, counts: Counts, items: Iterable[str]) -> bytes:
    """mailbox-data =/ "STATUS" SP mailbox SP "(" [status-att-list] ")" """
    told = " ".join(f"{item} {_ITEMS[item](session, counts)}" for item in items)
    its = responses.mailbox(name, session.utf8)
    return responses.untagged(b"STATUS %b (%b)" % (its, told.encode("ascii")))


STATUS = Command(status)
