"""What an IMAP command is, and what an extension is: the points where the RFCs let one extend.

The points are those of RFC 4466 §2 (SELECT, CREATE, RENAME, FETCH, STORE, SEARCH, APPEND),
RFC 5258 §3 (LIST), RFC 3501 §6.3.10 (STATUS), RFC 5161 (ENABLE), and new commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from ..dialogue import Dialogue
from .grammar import Reader
from .session import IN, Session, State


class Tells(Enum):
    """What news of the mailbox may be told before the tagged response (RFC 3501 §7.4.1)."""

    NOTHING = auto()
    NO_EXPUNGE = auto()  # FETCH, STORE, SEARCH: sequence numbers must hold
    ALL = auto()


Run = Callable[[Session, Reader], Dialogue[str]]
"""Reads a command's arguments and carries it out; it returns the OK text."""


@dataclass(frozen=True, slots=True)
class Command:
    run: Run
    states: frozenset[State] = IN
    tells: Tells = Tells.ALL
    then: Callable[[Session], Dialogue[None]] | None = None  # after the tagged OK


Parse = Callable[[Reader], object]
"""Reads the value of a parameter whose name has been read."""


def _always(session: Session) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    rfc: int
    capability: str
    offered: Callable[[Session], bool] = _always  # in the CAPABILITY response, now
    commands: Mapping[str, Command] = field(default_factory=dict)
    uid_commands: Mapping[str, Run] = field(default_factory=dict)  # after UID (RFC 3501 §6.4.8)
    enable: bool = False  # it can be the argument of ENABLE (RFC 5161 §3.1)
    value: Callable[[Session], str] | None = None  # what follows "=" in the CAPABILITY response
    select_parameters: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.1
    create_parameters: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.2
    rename_parameters: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.3
    fetch_items: Mapping[str, Parse] = field(default_factory=dict)
    fetch_modifiers: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.4
    store_modifiers: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.5
    search_keys: Mapping[str, Parse] = field(default_factory=dict)
    search_returns: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.6.1
    status_items: frozenset[str] = frozenset()
    list_selections: frozenset[str] = frozenset()  # RFC 5258 §3.1
    list_returns: frozenset[str] = frozenset()  # RFC 5258 §3.2
