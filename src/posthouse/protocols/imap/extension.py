"""What an IMAP command is, and what an extension is: the points where the RFCs let one extend.

The points are those of RFC 4466 §2 (SELECT, CREATE, FETCH, STORE, SEARCH), RFC 5258 §3 (LIST),
RFC 3501 §6.3.10 (STATUS), RFC 5256 (SORT, THREAD), RFC 5161 (ENABLE), and new commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from ..dialogue import Dialogue
from .events import Opened
from .grammar import Reader
from .session import IN, Session, State
from .sorting.threads import Forest


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
    by_number: bool = False  # it names messages by their numbers (RFC 9586 §3.2)
    then: Callable[[Session], Dialogue[None]] | None = None  # after the tagged OK


Parse = Callable[[Reader], object]
"""Reads the value of a parameter whose name has been read."""

ParseOption = Callable[[Session, Reader], object]
"""The same of an option whose value is made of what other extensions offer."""


class SelectParameter:
    """What a parameter of SELECT does; its `Parse` makes one."""

    __slots__ = ()

    def check(self, session: Session) -> None:
        """Before anything is done. Raises Bad."""

    def answer(self, session: Session, opened: Opened) -> Dialogue[None]:
        """After all that is told of the mailbox."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Threading:
    """A threading algorithm: the columns that it looks at, and what makes threads of them."""

    columns: tuple[str, ...]
    make: Callable[..., Forest]


def _always(session: Session) -> bool:
    return True


def alone(session: Session, reader: Reader) -> object:
    """An option without a value."""
    return True


def offers(session: Session, capability: str) -> bool:
    """Whether the extension of this capability is among those of the session."""
    return capability in session.capabilities


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Extension:
    rfc: int
    capability: str
    value: Callable[[Session], str] | None = None  # what follows "=" in the CAPABILITY response
    offered: Callable[[Session], bool] = _always  # in the CAPABILITY response, now
    commands: Mapping[str, Command] = field(default_factory=dict)
    uid_commands: Mapping[str, Run] = field(default_factory=dict)  # after UID (RFC 3501 §6.4.8)
    enable: bool = False  # it can be the argument of ENABLE (RFC 5161 §3.1)
    implies: frozenset[str] = frozenset()  # what is enabled with it
    select_parameters: Mapping[str, Parse] = field(default_factory=dict)  # of SelectParameter
    create_parameters: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.2
    fetch_items: Mapping[str, Parse] = field(default_factory=dict)
    fetch_modifiers: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.4
    store_modifiers: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.5
    search_keys: Mapping[str, Parse] = field(default_factory=dict)
    sort_keys: Mapping[str, str] = field(default_factory=dict)  # to `FindOrdering` columns
    thread_algorithms: Mapping[str, Threading] = field(default_factory=dict)  # RFC 5256 §3
    search_returns: Mapping[str, Parse] = field(default_factory=dict)  # RFC 4466 §2.6.1
    status_items: frozenset[str] = frozenset()
    list_selections: frozenset[str] = frozenset()  # RFC 5258 §3.1
    list_returns: Mapping[str, ParseOption] = field(default_factory=dict)  # RFC 5258 §3.2
