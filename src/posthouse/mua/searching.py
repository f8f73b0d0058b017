"""Messages that hold a text, for a program without a loop."""

from __future__ import annotations

from ..message.text import folded
from ..store.blobs.files import BlobFiles
from ..store.direct import DirectStore
from ..store.search.documents import document, messages_after
from ..store.search.index import SEPARATOR
from ..store.search.searching import Searching
from ..store.serve.searching import created

AT_ONCE = 100


def find_text(store: DirectStore, account: int, mailbox: int, text: str) -> list[int]:
    """UIDs of the messages that hold it: from the index, and what is not in it is looked at."""
    needle = folded(text)
    searching = Searching(store.directory)
    try:
        place = account, store.read(created(account)), mailbox
        holding = searching.look(place, needle, in_header=True, in_body=True)
    finally:
        searching.close()
    found = set(holding.found)
    blobs = BlobFiles(store.directory)
    for first, last in holding.unknown:
        found |= _look(store, blobs, (account, mailbox), first, last, needle)
    return sorted(found)


def _look(
    store: DirectStore,
    blobs: BlobFiles,
    where: tuple[int, int],
    first: int,
    last: int,
    needle: str,
) -> set[int]:
    found = set()
    uid = first - 1
    most = min(AT_ONCE, last - first + 1)
    while True:
        rows = store.read(messages_after(*where, uid, most))
        rows = [row for row in rows if row[0] <= last]
        for row in rows:
            uid = row[0]
            seen = document(row, blobs.read_all, most=None)
            if needle in SEPARATOR.join((seen.header, *(seen.texts or ()))):
                found.add(uid)
        if len(rows) < most or uid == last:
            return found
