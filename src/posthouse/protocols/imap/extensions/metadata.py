"""METADATA: annotations of mailboxes and of the account (RFC 5464).

There is one owner of a mailbox, so that its shared entries are as private as the others. Those of
the whole server are the administrator's: a user has private ones alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...dialogue import Dialogue, send
from .. import responses
from ..events import GetAnnotations, SetAnnotations, decide, obey
from ..extension import Command, Extension
from ..grammar import Reader
from ..mailbox import from_wire
from ..result import Bad, No
from ..session import Session

LARGEST = 16 * 1024  # octets of a value
_MOST = 50  # entries in one command
_LONGEST = 200  # octets of an entry's name
_ENTRY = re.compile(rb"/(?:private|shared)(?:/[^/*%\x00-\x1f\x7f-\xff]+)+", re.IGNORECASE)
_ENTRIES = (b"(/", b'("', b"({")  # how a list of them begins
_DEPTHS = {"0": 0, "1": 1, "INFINITY": _LONGEST}


def getmetadata(session: Session, reader: Reader) -> Dialogue[str]:
    """getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries   (§5)

    The examples of §4.2 have the options behind the mailbox.
    """
    reader.space()
    options = _options(reader, before=True)
    name = _mailbox(reader)
    reader.space()
    options |= _options(reader, before=False)
    several = reader.next_is(b"(")
    entries = reader.list(lambda: _entry(reader)) if several else [_entry(reader)]
    reader.end()
    if not entries or len(entries) > _MOST:
        raise Bad("no entries, or too many")
    depth = options.get("DEPTH", 0)
    given: dict[str, bytes] = yield from decide(GetAnnotations(name, tuple(entries), depth), dict)
    most = options.get("MAXSIZE", LARGEST)
    short = {entry: value for entry, value in given.items() if len(value) <= most}
    if short:
        yield from send(_response(session, name, short.items()))
    if len(short) == len(given):
        return "that is all"
    longest = max(map(len, given.values()))
    return f"[METADATA LONGENTRIES {longest}] that is all, but what is too long"


def setmetadata(session: Session, reader: Reader) -> Dialogue[str]:
    """setmetadata = "SETMETADATA" SP mailbox SP entry-values"""
    reader.space()
    name = _mailbox(reader)
    reader.space()
    values: dict[str, bytes | None] = {}

    def pair() -> None:
        entry = _entry(reader)
        reader.space()
        values[entry] = None if reader.accept(b"NIL") else reader.value()

    reader.list(pair)
    reader.end()
    if not values or len(values) > _MOST:
        raise Bad("no entries, or too many")
    if any(len(value or b"") > LARGEST for value in values.values()):
        raise No("the value is too large", f"METADATA MAXSIZE {LARGEST}")
    if not name and any(entry.startswith("/shared") for entry in values):
        raise No("the server's entries are set by the administrator", "NOPERM")
    yield from obey(SetAnnotations(name, values))
    return "set"


def _options(reader: Reader, before: bool) -> dict[str, int]:
    """getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")" SP"""
    options: dict[str, int] = {}
    if not reader.next_is(b"(") or (not before and any(map(reader.next_is, _ENTRIES))):
        return options

    def option() -> None:
        name = reader.atom().upper()
        reader.space()
        if name == "MAXSIZE":
            options[name] = reader.number()
        elif name == "DEPTH" and (depth := reader.atom().upper()) in _DEPTHS:
            options[name] = _DEPTHS[depth]
        else:
            raise Bad("no such option")

    reader.list(option)
    reader.space()
    return options


def _mailbox(reader: Reader) -> str:
    """The empty name is the account as a whole."""
    name = reader.astring()
    return from_wire(name, reader.utf8) if name else ""


def _entry(reader: Reader) -> str:
    """entry = astring (§3.2: in any case, without wildcards, "/" only between names)"""
    entry = reader.astring()
    if not _ENTRY.fullmatch(entry) or len(entry) > _LONGEST:
        raise Bad("no name of an entry")
    return entry.decode("ascii").lower()


def _response(session: Session, name: str, values: Iterable[tuple[str, bytes]]) -> bytes:
    """metadata-resp = "METADATA" SP mailbox SP "(" entry-value *(SP entry-value) ")" """
    pairs = [
        responses.astring(entry.encode("ascii")) + b" " + responses.string8(value)
        for entry, value in values
    ]
    its = responses.mailbox(name, session.utf8) if name else b'""'
    return responses.untagged(b"METADATA %b (%b)" % (its, b" ".join(pairs)))


METADATA = Extension(
    rfc=5464,
    capability="METADATA",
    commands={"GETMETADATA": Command(getmetadata), "SETMETADATA": Command(setmetadata)},
)
