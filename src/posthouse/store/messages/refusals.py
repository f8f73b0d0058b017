"""Why nothing was done with a message."""

from __future__ import annotations


class NoSuchMailbox(Exception):
    """There is no such mailbox (any more)."""


class SomeExpunged(Exception):
    """Not all of the messages are there any more."""


class MailboxFull(Exception):
    """The mailbox has given out its last UID."""
