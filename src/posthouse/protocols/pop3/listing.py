"""A line for each message: scan listings and unique-id listings (RFC 1939 §5, §7)."""

from __future__ import annotations

from collections.abc import Sequence

from ..dialogue import Dialogue, send
from .reply import END, fact, ok
from .session import Session

SLICE = 2000  # messages; between slices the peer may hold the server up


def send_listing(
    session: Session, argument: str, values: Sequence[object], text: str, **said: object
) -> Dialogue[None]:
    """One message's line, or the lines of all that are not marked as deleted."""
    if argument:
        number = session.number(argument)
        yield from fact(f"{number} {values[number - 1]}")
        return
    yield from ok(session, text, **said)
    deleted = session.deleted
    for start in range(0, len(values), SLICE):
        numbered = enumerate(values[start : start + SLICE], start + 1)
        lines = [f"{number} {value}\r\n" for number, value in numbered if number not in deleted]
        yield from send("".join(lines).encode())
    yield from send(END)
