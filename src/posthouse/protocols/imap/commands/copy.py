"""COPY (RFC 3501 §6.4.7), with the UIDs of the copies (RFC 4315 §3)."""

from __future__ import annotations

from ...dialogue import Dialogue
from ..events import decide
from ..extension import Command
from ..grammar import Reader
from ..mail_events import Copied, Copy
from ..result import No
from ..sequence import Ranges, format_set, parse_sequence_set, runs
from ..session import IN_MAILBOX, Session
from ..view import Selected


def copy(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """copy = "COPY" SP sequence-set SP mailbox"""
    ranges, mailbox = from_and_to(reader)
    selected = session.selected
    assert selected is not None
    uids, count = meant(selected, ranges, by_uid)
    if not uids:
        return "no such messages, so nothing copied"
    copied = yield from decide(Copy(uids, mailbox, count), Copied)
    selected.makes(copied.uid_validity, copied.copies)
    return f"[{copyuid(copied)}] copied" if copied.uids else "nothing copied"


def from_and_to(reader: Reader) -> tuple[Ranges, str]:
    """SP sequence-set SP mailbox, as MOVE has them too (RFC 6851 §3.1)."""
    reader.space()
    ranges = parse_sequence_set(reader.sequence_set())
    reader.space()
    mailbox = reader.mailbox()
    reader.end()
    return ranges, mailbox


def meant(selected: Selected, ranges: Ranges, by_uid: bool) -> tuple[Ranges, int]:
    """The UIDs of these messages, and how many of them have to be there still."""
    positions = selected.resolve(ranges, by_uid)
    if not by_uid and selected.haunted(positions):  # RFC 2180 §4.4.1
        raise No("some of the messages were expunged", "EXPUNGEISSUED")
    count = 0 if by_uid else sum(stop - start for start, stop in positions)
    return selected.view.uid_ranges(positions), count


def copyuid(copied: Copied) -> str:
    """resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set   (RFC 4315 §4)"""
    sets = format_set(runs(copied.uids)) + b" " + format_set(runs(copied.copies))
    return f"COPYUID {copied.uid_validity} {sets.decode('ascii')}"


COPY = Command(copy, IN_MAILBOX, by_number=True)
