"""REPLACE: a message takes the place of another one, in one step (RFC 8508)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from .. import responses
from ..appending import appended_uids, read_messages
from ..events import Replace, Replaced, decide
from ..extension import Command, Extension
from ..grammar import Reader
from ..news import report
from ..result import Bad, No
from ..sequence import parse_sequence_set
from ..session import IN_MAILBOX, Session
from ..view import writable


def replace(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """replace = "REPLACE" SP seq-number SP mailbox append-message   (§5)

    APPENDUID comes before the EXPUNGE (§4.3).
    """
    reader.space()
    number = reader.sequence_set()
    ranges = parse_sequence_set(number)
    if not (number.isdigit() or number == b"*"):
        raise Bad("one message is replaced", "CLIENTBUG")
    reader.space()
    mailbox = reader.mailbox()
    selected = writable(session.selected)
    positions = selected.resolve(ranges, by_uid)
    if not positions or selected.haunted(positions):
        raise No("there is no such message", "EXPUNGEISSUED" if positions else "")
    uid = selected.view.uids[positions[0][0]]
    yield from read_messages(session, reader, mailbox, 1, replaces=uid)
    replaced = yield from decide(Replace(selected.view.version, uid), Replaced)
    selected.makes(replaced.appended.uid_validity, replaced.appended.uids)
    code = appended_uids(session, replaced.appended)
    if code:
        yield from send(responses.untagged(f"OK {code}replaced".encode("ascii")))
    yield from report(selected, replaced.news, expunges_allowed=True)
    if "QRESYNC" in selected.enabled:  # §4.5: as with UID EXPUNGE (RFC 7162 §3.2.9)
        return f"[HIGHESTMODSEQ {selected.complete}] replaced"
    return "replaced"


def uid_replace(session: Session, reader: Reader) -> Dialogue[str]:
    """uid =/ "UID" SP replace"""
    return (yield from replace(session, reader, by_uid=True))


REPLACE = Extension(
    rfc=8508,
    capability="REPLACE",
    commands={"REPLACE": Command(replace, IN_MAILBOX, by_number=True)},
    uid_commands={"REPLACE": uid_replace},
)
