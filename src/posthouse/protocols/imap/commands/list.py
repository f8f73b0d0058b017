"""LIST (RFC 3501 §6.3.8), with \\HasChildren (RFC 3348) and special uses (RFC 6154).

What selection and return options mean (RFC 5258 §3) is in `listing`; extensions offer them. Which
names are above others, and what a mailbox is for, is told always.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dialogue import Dialogue, send
from ..events import ListMailboxes, Mailbox, decide
from ..extension import Command
from ..grammar import Reader
from ..listing import Listing, Request, attributes, in_order, request, response
from ..session import Session
from .status import response as status_response


def list_mailboxes(session: Session, reader: Reader) -> Dialogue[str]:
    """list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]"""
    wanted = request(session, reader)
    if wanted.root:
        yield from send(b'* LIST (\\Noselect) "/" ""\r\n')
        return "that is the root"
    given: tuple[Mailbox, ...] = yield from decide(ListMailboxes(wanted.status), tuple)
    yield from send(b"".join(_lines(session, wanted, Listing.of(wanted, given))))
    return "that is all"


def _lines(session: Session, wanted: Request, listing: Listing) -> Iterator[bytes]:
    """A LIST response for each name and, where that is asked for, a STATUS response (RFC 5819)."""
    for name in in_order(listing.names):
        mailbox = listing.mailboxes.get(name)
        extended = wanted.child_info if name in listing.with_children_chosen else b""
        what = attributes(mailbox, name in listing.parents, wanted.tells_subscribed)
        yield response(session, b"LIST", what, name, extended)
        if mailbox is not None and mailbox.counts is not None and name in listing.chosen:
            yield status_response(session, name, mailbox.counts, wanted.status)


LIST = Command(list_mailboxes)
