"""Which recipients of the queue are meant: by letter, sender, recipient, next hop and so on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.store.unit import Value

LOCAL = "local"  # the next hop of who is of this site

#: What `condition` is over: letter, recipient, and its next hop, if that could not be reached.
FROM = (
    " FROM queue_message AS m JOIN queue_recipient AS r ON r.message = m.id"
    " LEFT JOIN queue_next_hop AS h ON r.account = 0 AND h.domain = r.domain"
)
#: When it is tried next: not before its next hop is.
DUE = "CASE WHEN r.state IN ('ready', 'deferred') AND h.until > r.due THEN h.until ELSE r.due END"


def own_or(column: str) -> str:
    """What its own last try met; or what another's has met at the same next hop."""
    return f"CASE WHEN r.reason = '' THEN coalesce(h.{column}, '') ELSE r.{column} END"


@dataclass(frozen=True, slots=True)
class Selection:
    """All that is given must hold; nothing given selects all.

    In `sender`, `recipient` and `next_hop`, `*` stands for any text, and the case of ASCII
    letters does not matter.
    """

    names: Sequence[str] = ()  # queue ids
    sender: str | None = None  # "" or "<>" is the null reverse-path
    recipient: str | None = None
    next_hop: str | None = None  # "local" is this site
    state: str | None = None
    before: int | None = None  # received before
    due_after: int | None = None
    reason: str | None = None  # a part of what the last try met

    @property
    def is_all(self) -> bool:
        return self == ALL


ALL = Selection()


def condition(selection: Selection, first: int = 1) -> tuple[str, list[Value]]:
    """An SQL condition over FROM; its parameters begin with ?first."""
    terms: list[str] = ["1 = 1"]
    values: list[Value] = []

    def add(term: str, *given: Value) -> None:
        marks = [f"?{first + len(values) + place}" for place in range(len(given))]
        terms.append(term.format(*marks, all=", ".join(marks)))
        values.extend(given)

    if selection.names:
        add("m.name IN ({all})", *(name.upper() for name in selection.names))
    if selection.sender is not None:
        sender = "" if selection.sender == "<>" else selection.sender
        add(_like("m.reverse_path"), _pattern(sender))
    if selection.recipient is not None:
        add(_like("r.forward_path"), _pattern(selection.recipient))
    if selection.next_hop == LOCAL:
        add("r.account <> 0")
    elif selection.next_hop is not None:
        add(f"r.account = 0 AND {_like('r.domain')}", _pattern(selection.next_hop))
    if selection.state is not None:
        add("r.state = {}", selection.state)
    if selection.before is not None:
        add("m.received < {}", selection.before)
    if selection.due_after is not None:
        add(f"{DUE} > {{}}", selection.due_after)
    if selection.reason is not None:
        wanted = f"*{selection.reason}*"
        words = f"{own_or('reason')} || ' ' || {own_or('reply')}"
        add(_like(words), _pattern(wanted))
    return " AND ".join(terms), values


def _like(text: str) -> str:
    """What is true of a text that a pattern fits: the same database makes both small."""
    return f"lower({text}) LIKE lower({{}}) ESCAPE '\\'"


def _pattern(text: str) -> str:
    """A pattern of LIKE from one in which `*` stands for any text."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")
