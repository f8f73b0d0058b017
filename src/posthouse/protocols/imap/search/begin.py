"""What comes before a search is made, whatever its answer looks like."""

from __future__ import annotations

from collections.abc import Sequence

from ...dialogue import Dialogue, ask
from ..mail_events import AskTime
from ..modseq import make_aware
from ..news import tell
from ..result import Bad
from ..session import Session
from ..view import Selected
from .criteria import Aged, Changed, Key, Numbered, leaves


def begin(session: Session, key: Key) -> Dialogue[tuple[Selected, bool]]:
    """The mailbox, not older than the news; and whether mod-sequences are told of what is found."""
    found = leaves(key)
    if any(isinstance(leaf, Numbered) for leaf in found):
        if "UIDONLY" in session.enabled:  # RFC 9586 §3.5
            raise Bad("messages are named by their UIDs only", "UIDREQUIRED")
        session.numbered = True
    changed = tells_modseq(key)
    if changed:
        yield from make_aware(session)
    aged = [leaf for leaf in found if isinstance(leaf, Aged)]
    if aged:
        now = yield from ask(AskTime(), int)
        for leaf in aged:
            leaf.moment.now = now
    yield from tell(session, expunges_allowed=False)
    selected = session.selected
    assert selected is not None
    return selected, changed


def tells_modseq(key: Key) -> bool:
    """MODSEQ is among what is searched for (RFC 7162 §3.1.6, §3.1.9)."""
    return any(isinstance(leaf, Changed) for leaf in leaves(key))


def highest(selected: Selected, positions: Sequence[int]) -> int:
    """The largest mod-sequence of the messages at these positions; 0 where there are none."""
    modseqs = selected.view.modseqs
    return max([modseqs[at] for at in positions], default=0)
