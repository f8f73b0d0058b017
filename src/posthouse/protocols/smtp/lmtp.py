"""LMTP (RFC 2033): what differs from SMTP when a message has come.

A server that has no queue tells the client about each recipient apart, so that the client's queue
keeps those who did not get it. (LHLO, the other difference, is in lhlo.py.)
"""

from __future__ import annotations

from ..dialogue import Dialogue, Failed, ask, send, show
from .events import Abort, EndForEach
from .reply import LOST, Reply
from .session import Session


def end_message(
    session: Session, size: int, eight_bit: bool, fault: Reply | None
) -> Dialogue[None]:
    """§4.2: a reply for each RCPT that succeeded, in their order, also where two are alike."""
    recipients = session.recipients
    if fault is None:
        try:
            replies = yield from ask(EndForEach(size, eight_bit, recipients), tuple)
            assert len(replies) == recipients, f"{replies!r} for {recipients} recipients"
        except Failed:
            fault = LOST
    if fault is not None:
        yield from show(Abort())
        replies = (fault,) * recipients
    session.errors = 0 if any(reply.positive for reply in replies) else session.errors + 1
    yield from send(b"".join(map(bytes, replies)))
