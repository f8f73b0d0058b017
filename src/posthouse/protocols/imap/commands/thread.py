"""THREAD (RFC 5256 §3)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..extension import Command, Tells
from ..grammar import Reader
from ..result import Bad
from ..session import IN_MAILBOX, Session
from ..sorting.columns import found_columns, numbers_of, search_criteria
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
    selected, positions, values = yield from found_columns(session, key, algorithm.columns)
    numbers = numbers_of(selected, positions, by_uid)
    line = "* THREAD"
    if positions:
        line += " " + written(algorithm.make(*values), numbers)
    yield from send(line.encode("ascii") + b"\r\n")
    return "threaded"


def uid_thread(session: Session, reader: Reader) -> Dialogue[str]:
    return (yield from thread(session, reader, by_uid=True))


THREAD = Command(thread, IN_MAILBOX, Tells.NO_EXPUNGE, by_number=True)
