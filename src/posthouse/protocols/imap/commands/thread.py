"""THREAD (RFC 5256 §3)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..extension import Command, Tells
from ..grammar import Reader
from ..result import Bad
from ..search.answers import keep_answer, kept_answer, numbers_of
from ..search.columns import columns_of
from ..session import IN_MAILBOX, Session
from ..sorting.criteria import found, search_criteria
from ..sorting.threads import written


def thread(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria"""
    reader.space()
    name = reader.atom().upper()
    reader.space()
    for extension in session.extensions:
        if name in extension.thread_algorithms:
            algorithm = extension.thread_algorithms[name]
            break
    else:
        raise Bad("no such threading algorithm")
    key = search_criteria(session, reader)
    selected, positions, progress = yield from found(session, key)
    asked = ("THREAD", name, by_uid)
    said = kept_answer(selected.view, positions, asked)
    if said is None:
        positions, values = yield from columns_of(selected, positions, algorithm.columns, progress)
        numbers = numbers_of(selected, positions, by_uid)
        threads = written(algorithm.make(*values), numbers)
        said = f"* THREAD {threads}".rstrip().encode("ascii")
        keep_answer(selected.view, positions, asked, said)
    yield from send(said + b"\r\n")
    return "threaded"


def uid_thread(session: Session, reader: Reader) -> Dialogue[str]:
    return (yield from thread(session, reader, by_uid=True))


THREAD = Command(thread, IN_MAILBOX, Tells.NO_EXPUNGE, by_number=True)
