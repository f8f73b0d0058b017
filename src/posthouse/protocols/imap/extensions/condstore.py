"""CONDSTORE: mod-sequences, and STORE where nothing has changed meanwhile (RFC 7162 §3.1)."""

from __future__ import annotations

import re

from ..extension import Extension, SelectParameter
from ..fetch.item import MODSEQ
from ..grammar import Reader
from ..modseq import ChangedSince
from ..result import Bad
from ..search import mask
from ..search.criteria import Changed, Key
from ..session import Session
from ..view import Selected

_ENTRY = re.compile(rb'"/flags/(?:[^"\\\r\n\x00]|\\["\\])+" (?:priv|shared|all) ', re.IGNORECASE)


class Condstore(SelectParameter):
    """condstore-param = "CONDSTORE" (§3.1.8)"""

    __slots__ = ()

    def check(self, session: Session) -> None:
        session.enabled.add("CONDSTORE")


def _select(reader: Reader) -> Condstore:
    return Condstore()


def _changed_since(reader: Reader) -> ChangedSince:
    reader.space()
    since = reader.number64()
    if not since:
        raise Bad("a mod-sequence is greater than 0")
    return ChangedSince(since)


def _unchanged_since(reader: Reader) -> int:
    """ "UNCHANGEDSINCE" SP mod-sequence-valzer (§3.1.3)"""
    reader.space()
    return reader.number64()


def _search(reader: Reader) -> Key:
    """search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer (§3.1.5)

    A message has one mod-sequence for all its flags: for which one is asked does not matter.
    """
    reader.space()
    if reader.next_is(b'"'):
        reader.take(_ENTRY, "the name of a flag, and of whose it is")
    least = reader.number64()

    def find(selected: Selected) -> int:
        marks = bytes([0x31 if modseq >= least else 0x30 for modseq in selected.view.modseqs])
        return mask.of_marks(marks)

    return Changed(find)


CONDSTORE = Extension(
    rfc=7162,
    capability="CONDSTORE",
    enable=True,
    select_parameters={"CONDSTORE": _select},
    fetch_items={"MODSEQ": lambda reader: MODSEQ},
    fetch_modifiers={"CHANGEDSINCE": _changed_since},
    store_modifiers={"UNCHANGEDSINCE": _unchanged_since},
    search_keys={"MODSEQ": _search},
    status_items=frozenset({"HIGHESTMODSEQ"}),
)
