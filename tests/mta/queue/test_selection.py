"""Which recipients an operator means."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.listing import list_queue
from posthouse.mta.queue.selection import Selection
from posthouse.mta.queue.units import accept
from posthouse.store.contents import prepare

from .site import NOON, found

PEOPLE = ("Jörg@b.example", "x_1@b.example", "x%1@B.example", "ÅSE@c.example")


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("*", PEOPLE),
        ("*@B.EXAMPLE", PEOPLE[:3]),
        ("x_1@*", PEOPLE[1:2]),
        ("X%1@*", PEOPLE[2:3]),
        ("Jörg@b.example", PEOPLE[:1]),
        ("ÅSE@C.example", PEOPLE[3:]),
        ("se@c.example", ()),
    ],
)
def test_a_pattern_of_recipients(pattern: str, meant: tuple[str, ...], tmp_path: Path) -> None:
    with found(tmp_path) as store:
        letter = Letter("", prepare(b"\r\n"), "test")
        recipients = [Recipient(person, person.partition("@")[2].lower()) for person in PEOPLE]
        store.write(accept("L1", letter, recipients, NOON, "", 0))
        listed = store.read(list_queue(Selection(recipient=pattern)))
        assert tuple(entry.forward_path for entry in listed) == meant
