"""What a unit of work raises, as an IMAP client is told it (RFC 5530 §3)."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from posthouse.protocols.imap.mail_events import Declined

from ..annotations import TooManyAnnotations
from ..flags import TooManyFlags
from ..mailboxes import MailboxExists, NotAllowed, SpecialUseTaken, TooManyMailboxes
from ..messages.refusals import MailboxFull, NoSuchMailbox, SomeExpunged
from ..quota import OverQuota
from ..space import Lack
from ..subscriptions import TooManySubscriptions

NO_MAILBOX = Declined("there is no such mailbox", "NONEXISTENT")
TRY_CREATE = Declined("there is no such mailbox, create it first", "TRYCREATE")

#: No mail can be kept for now, whoever's it is.
LACKS: Mapping[Lack, Declined] = {
    Lack.WRITING: Declined("nothing can be written for now; please try again later", "UNAVAILABLE"),
    Lack.SPACE: Declined("no space is left here; please try again later", "UNAVAILABLE"),
}

REFUSALS: Mapping[type[Exception], Declined] = {
    NoSuchMailbox: NO_MAILBOX,
    MailboxExists: Declined("there is a mailbox of this name already", "ALREADYEXISTS"),
    NotAllowed: Declined("this cannot be done with that mailbox", "CANNOT"),
    SpecialUseTaken: Declined("another mailbox is for this", "USEATTR"),
    TooManyMailboxes: Declined("the account has too many mailboxes", "LIMIT"),
    TooManySubscriptions: Declined("the account has too many subscriptions", "LIMIT"),
    SomeExpunged: Declined("some of the messages were expunged", "EXPUNGEISSUED"),
    OverQuota: Declined("the account keeps as much as it may; remove something", "OVERQUOTA"),
    TooManyAnnotations: Declined("there are too many annotations", "METADATA TOOMANY"),
    MailboxFull: Declined("the mailbox has no UIDs left; use another one", "LIMIT"),
    TooManyFlags: Declined("a message would have too many keywords", "LIMIT"),
}


async def done(work: Awaitable[object]) -> Declined | None:
    """The end of a unit that answers with nothing."""
    try:
        await work
    except tuple(REFUSALS) as refusal:
        return REFUSALS[type(refusal)]
    return None
