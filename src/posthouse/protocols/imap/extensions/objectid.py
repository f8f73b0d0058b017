"""OBJECTID: names for mailboxes, messages and threads that stay (RFC 8474)."""

from __future__ import annotations

import re
from functools import lru_cache

from posthouse.message.thread import thread_of

from ..extension import Extension
from ..fetch.item import Item, Slice
from ..grammar import Reader
from ..mail_events import Need
from ..search.criteria import Asked, Key

_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}")


def _emails(part: Slice) -> tuple[list[bytes]]:
    return ([row[9].email_id if row[9] else b"" for row in part.rows],)


def _threads(part: Slice) -> tuple[list[bytes]]:
    return ([thread_id(header) for header in part.headers],)


def thread_id(header: bytes) -> bytes:
    """§5.2; no EMAILID begins so (§8.1)"""
    return b"T" + thread_of(header).encode("ascii")


_its_thread = lru_cache(1)(thread_id)  # many keys look at one message before they do at the next


#: §5.1: the same for copies of a message
EMAIL_ID = Item(b"EMAILID (%b)", _emails, Need.RARE)
#: §5.2: the same for all messages of a thread, whatever their mailboxes
THREAD_ID = Item(b"THREADID (%b)", _threads, Need.HEADER)


def _id(reader: Reader) -> bytes:
    reader.space()
    return reader.take(_OBJECT_ID, "an object identifier").group()


def email(reader: Reader) -> Key:
    """search-key =/ "EMAILID" SP objectid   (§6)"""
    wanted = _id(reader)
    return Asked(
        Need.RARE, lambda message: bool(message.row[9] and message.row[9].email_id == wanted)
    )


def thread(reader: Reader) -> Key:
    """search-key =/ "THREADID" SP objectid   (§6)"""
    wanted = _id(reader)
    return Asked(Need.HEADER, lambda message: _its_thread(message.header) == wanted)


OBJECTID = Extension(
    rfc=8474,
    capability="OBJECTID",
    status_items=frozenset({"MAILBOXID"}),
    fetch_items={"EMAILID": lambda _: EMAIL_ID, "THREADID": lambda _: THREAD_ID},
    search_keys={"EMAILID": email, "THREADID": thread},
)
