"""Which names LIST tells: patterns, selection options and return options (RFC 5258)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from . import responses
from .events import Mailbox
from .grammar import Reader
from .mailbox import INBOX, SEPARATOR
from .patterns import Patterns
from .result import Bad
from .session import Session

LONGEST = 2048  # octets of all patterns of a command, the reference name with each

#: Selection options that say which names are meant (§3.1); an extension offers each.
_CRITERIA: Mapping[str, Callable[[Mailbox], bool]] = {
    "SUBSCRIBED": lambda mailbox: mailbox.subscribed,
    "SPECIAL-USE": lambda mailbox: mailbox.exists and bool(mailbox.special_use),
}


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of LIST."""

    patterns: Patterns
    root: bool = False  # the root of the hierarchy is asked for, and no mailbox
    selection: frozenset[str] = frozenset()
    returns: Mapping[str, object] = field(default_factory=dict)

    @property
    def criteria(self) -> list[str]:
        return [name for name in _CRITERIA if name in self.selection]

    @property
    def tells_subscribed(self) -> bool:
        return "SUBSCRIBED" in self.selection or "SUBSCRIBED" in self.returns

    @property
    def status(self) -> tuple[str, ...]:
        """The items of STATUS that are wanted of each mailbox (RFC 5819 §2)."""
        items = self.returns.get("STATUS", ())
        assert isinstance(items, tuple)
        return items

    @property
    def child_info(self) -> bytes:
        """mbox-list-extended (§3.5)"""
        criteria = " ".join(f'"{name}"' for name in self.criteria)
        return f' ("CHILDINFO" ({criteria}))'.encode("ascii")


@dataclass(frozen=True, slots=True)
class Listing:
    """The names that are told, and what is known of them."""

    mailboxes: Mapping[str, Mailbox]
    parents: set[str]  # above mailboxes
    chosen: set[str]  # those that meet the criteria, also where no pattern matches them
    names: list[str]
    with_children_chosen: set[str]

    @classmethod
    def of(cls, wanted: Request, given: Iterable[Mailbox]) -> Listing:
        mailboxes = {each.name: each for each in given}
        there = {name for name, each in mailboxes.items() if each.exists}
        parents = above(there)
        if not wanted.criteria:
            chosen = there | parents
            names = [name for name in chosen if wanted.patterns.match(name)]
            return cls(mailboxes, parents, chosen, names, set())
        chosen = set(mailboxes)
        for criterion in wanted.criteria:
            meets = _CRITERIA[criterion]
            chosen = {name for name in chosen if meets(mailboxes[name])}
        found = {name for name in chosen if wanted.patterns.match(name)}
        if "RECURSIVEMATCH" not in wanted.selection:
            return cls(mailboxes, parents, chosen, list(found), set())
        # §3.5: a name that is not meant itself is told for the sake of those that are not told.
        hidden = above(chosen - found) - chosen
        names = [*found, *filter(wanted.patterns.match, hidden)]
        return cls(mailboxes, parents, chosen, names, above(chosen))


def request(session: Session, reader: Reader) -> Request:
    """The arguments of LIST, each option in the order of §6."""
    reader.space()
    selection, returns = frozenset[str](), dict[str, object]()
    extended = reader.next_is(b"(")
    if extended:
        selection = _selection(session, reader)
        reader.space()
    reference = reader.astring()
    reader.space()
    if reader.next_is(b"("):
        extended = True
        patterns = reader.list(reader.list_mailbox)
    else:
        patterns = [reader.list_mailbox()]
    if not reader.ended:
        extended = True
        reader.space()
        reader.expect(b"RETURN ")
        returns = _returns(session, reader)
    reader.end()
    if not extended and not patterns[0]:
        return Request(Patterns(()), root=True)
    return Request(wanted(reader, reference, patterns), False, selection, returns)


def _selection(session: Session, reader: Reader) -> frozenset[str]:
    """list-select-opts"""
    options = frozenset([option.upper() for option in reader.list(reader.atom)])
    offered = frozenset[str]().union(*(each.list_selections for each in session.extensions))
    if not options <= offered:
        raise Bad("no such option")
    if "RECURSIVEMATCH" in options and options.isdisjoint(_CRITERIA):  # §3.1
        raise Bad("RECURSIVEMATCH needs another option")
    return options


def _returns(session: Session, reader: Reader) -> dict[str, object]:
    """list-return-opts"""
    offered = {name: parse for e in session.extensions for name, parse in e.list_returns.items()}
    options: dict[str, object] = {}

    def option() -> None:
        name = reader.atom().upper()
        if name not in offered:
            raise Bad("no such option")
        options[name] = offered[name](session, reader)

    reader.list(option)
    return options


def wanted(reader: Reader, reference: bytes, patterns: Iterable[bytes]) -> Patterns:
    """The patterns below the reference name; an empty one, and one that is no name, are none."""
    given = [pattern for pattern in patterns if pattern]
    if sum([len(reference) + len(pattern) for pattern in given]) > LONGEST:
        raise Bad("the pattern is too long", "LIMIT")
    found = []
    for pattern in given:
        with suppress(ValueError):  # no mailbox has such a name
            found.append(reader.decoded(reference) + reader.decoded(pattern))
    return Patterns(found)


def above(names: Iterable[str]) -> set[str]:
    """The names above these."""
    parents: set[str] = set()
    for name in names:
        end = name.rfind(SEPARATOR)
        while end > 0 and name[:end] not in parents:
            parents.add(name[:end])
            end = name.rfind(SEPARATOR, 0, end)
    return parents


def attributes(mailbox: Mailbox | None, has_children: bool, tells_subscribed: bool) -> str:
    """mbx-list-flags; a name that only stands above others is no mailbox."""
    found = []
    if mailbox is None or not mailbox.exists:  # above others, or subscribed to: RFC 5258 §3
        found += ["\\NonExistent", "\\Noselect"]
    found.append("\\HasChildren" if has_children else "\\HasNoChildren")
    if mailbox and mailbox.special_use:
        found.append(mailbox.special_use)
    if mailbox and mailbox.subscribed and tells_subscribed:
        found.append("\\Subscribed")
    return " ".join(found)


def in_order(names: Iterable[str]) -> list[str]:
    """INBOX first, names below another right after it."""
    return sorted(names, key=lambda name: (name != INBOX, name.split(SEPARATOR)))


def response(
    session: Session, kind: bytes, attributes: str, name: str, extended: bytes = b""
) -> bytes:
    """mailbox-list = "(" [mbx-list-flags] ")" SP DQUOTE QUOTED-CHAR DQUOTE SP mailbox
    [SP mbox-list-extended]"""
    its = responses.mailbox(name, session.utf8)
    return b'* %b (%b) "/" %b%b\r\n' % (kind, attributes.encode("ascii"), its, extended)
