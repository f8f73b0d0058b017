"""LIST (RFC 3501 §6.3.8), with \\HasChildren (RFC 3348) and special uses (RFC 6154).

The options (RFC 5258 §3) are those that extensions offer; what a return option asks for is told
always.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from ...dialogue import Dialogue, send
from .. import responses, utf7
from ..events import ListMailboxes, Mailbox, decide
from ..extension import Command
from ..grammar import Reader
from ..mailbox import INBOX, SEPARATOR
from ..patterns import Pattern
from ..result import Bad
from ..session import Session

_LONGEST = 2048  # octets of a pattern
_ROOT = b'* LIST (\\Noselect) "/" ""\r\n'


def list_mailboxes(session: Session, reader: Reader) -> Dialogue[str]:
    """list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]"""
    reader.space()
    selection = _options(reader, session, "list_selections")
    if selection is not None:
        reader.space()
    pattern = wanted(reader)
    if not reader.ended:
        reader.space()
        reader.expect(b"RETURN ")
        _options(reader, session, "list_returns")
    reader.end()
    if pattern is None:
        yield from send(_ROOT)
        return "that is the root"
    given: tuple[Mailbox, ...] = yield from decide(ListMailboxes(), tuple)
    mailboxes = {each.name: each for each in given if each.exists}
    parents = above(mailboxes)
    names = parents | mailboxes.keys()
    if selection and "SPECIAL-USE" in selection:
        names = {name for name, mailbox in mailboxes.items() if mailbox.special_use}
    lines = []
    for name in in_order(filter(pattern.matches, names)):
        what = " ".join(_attributes(mailboxes.get(name), name in parents))
        lines.append(response(b"LIST", what, name))
    yield from send(b"".join(lines))
    return "that is all"


def _options(
    reader: Reader, session: Session, point: Literal["list_selections", "list_returns"]
) -> set[str] | None:
    """ "(" [option *(SP option)] ")"; None where there is none."""
    if not reader.next_is(b"("):
        return None
    options = {option.upper() for option in reader.list(reader.atom)}
    offered = frozenset[str]().union(*(getattr(each, point) for each in session.extensions))
    if not options <= offered:
        raise Bad("no such option")
    return options


def wanted(reader: Reader) -> Pattern | None:
    """mailbox SP list-mailbox; None asks for the root of the hierarchy."""
    reference = reader.astring()
    reader.space()
    pattern = reader.list_mailbox()
    if len(reference) + len(pattern) > _LONGEST:
        raise Bad("the pattern is too long", "LIMIT")
    if not pattern:
        return None
    try:
        return Pattern(utf7.decode(reference + pattern))
    except ValueError:
        return Pattern(SEPARATOR)  # no mailbox has such a name


def above(names: Iterable[str]) -> set[str]:
    """The names above these."""
    parents: set[str] = set()
    for name in names:
        end = name.rfind(SEPARATOR)
        while end > 0 and name[:end] not in parents:
            parents.add(name[:end])
            end = name.rfind(SEPARATOR, 0, end)
    return parents


def in_order(names: Iterable[str]) -> list[str]:
    """INBOX first, names below another right after it."""
    return sorted(names, key=lambda name: (name != INBOX, name.split(SEPARATOR)))


def response(kind: bytes, attributes: str, name: str) -> bytes:
    """mailbox-list = "(" [mbx-list-flags] ")" SP DQUOTE QUOTED-CHAR DQUOTE SP mailbox"""
    return b'* %b (%b) "/" %b\r\n' % (kind, attributes.encode("ascii"), responses.mailbox(name))


def _attributes(mailbox: Mailbox | None, has_children: bool) -> Iterator[str]:
    if mailbox is None:  # a name above others, and no mailbox; \NonExistent: RFC 5258 §3
        yield "\\NonExistent"
        yield "\\Noselect"
    yield "\\HasChildren" if has_children else "\\HasNoChildren"
    if mailbox and mailbox.special_use:
        yield mailbox.special_use


LIST = Command(list_mailboxes)
