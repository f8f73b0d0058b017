"""How far a long command is, told while it runs (RFC 9585)."""

from __future__ import annotations

from ..dialogue import Dialogue, ask, send
from .extension import offers
from .mail_events import AskTime
from .session import Session

EVERY = 10  # seconds (§4: 10 to 15)
STEPS = 16  # between two looks at the clock


class Progress:
    """Of one command."""

    __slots__ = ("_last", "_session", "_steps")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._steps = 0
        self._last: int | None = None

    def step(self, done: int, total: int) -> Dialogue[None]:
        """So many messages are done, of so many."""
        self._steps += 1
        if self._steps % STEPS or not offers(self._session, "INPROGRESS"):
            return
        now = yield from ask(AskTime(), int)
        if self._last is None:
            self._last = now
        elif now - self._last >= EVERY and done < total:
            self._last = now
            tag = self._session.tag
            its = b"NIL" if b"]" in tag else b'"%b"' % tag
            yield from send(b"* OK [INPROGRESS (%b %d %d)] working\r\n" % (its, done, total))
