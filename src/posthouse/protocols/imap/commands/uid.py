"""UID (RFC 3501 §6.4.8): a command whose numbers are unique identifiers."""

from __future__ import annotations

from collections.abc import Callable

from ...dialogue import Dialogue
from ..extension import Command
from ..grammar import Reader
from ..result import Bad
from ..session import IN_MAILBOX, Session
from .copy import copy
from .fetch import fetch
from .search import search
from .store import store

_COMMANDS: dict[str, Callable[[Session, Reader, bool], Dialogue[str]]] = {
    "COPY": copy,
    "FETCH": fetch,
    "SEARCH": search,
    "STORE": store,
}


def uid(session: Session, reader: Reader) -> Dialogue[str]:
    """uid = "UID" SP (copy / fetch / search / store)"""
    reader.space()
    name = reader.atom().upper()
    command = _COMMANDS.get(name)
    if command:
        return (yield from command(session, reader, True))
    for extension in session.extensions:
        if name in extension.uid_commands:
            return (yield from extension.uid_commands[name](session, reader))
    raise Bad("no such UID command")


#: An EXPUNGE may be told: UID FETCH is another command than FETCH (§7.4.1).
UID = Command(uid, IN_MAILBOX)
