"""What NOTIFY has the dialogue ask its agent about mailboxes that are not selected (RFC 5465)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .events import Counts, Mailbox


class Event(Enum):
    """§5, and §8, `event`"""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    ANNOTATION_CHANGE = "AnnotationChange"
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA_CHANGE = "MailboxMetadataChange"
    SERVER_METADATA_CHANGE = "ServerMetadataChange"


#: Those about the messages of a mailbox.
MESSAGE_EVENTS = frozenset(
    (Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE, Event.FLAG_CHANGE, Event.ANNOTATION_CHANGE)
)


class Where(Enum):
    """filter-mailboxes-other (§6.2 to §6.6)"""

    INBOXES = "INBOXES"  # those to which the agent's site delivers
    PERSONAL = "PERSONAL"
    SUBSCRIBED = "SUBSCRIBED"
    SUBTREE = "SUBTREE"
    MAILBOXES = "MAILBOXES"


@dataclass(frozen=True, slots=True)
class Group:
    """event-group: what is wanted of which mailboxes, whether they are there now or will be."""

    where: Where
    names: frozenset[str]  # with SUBTREE and MAILBOXES
    events: frozenset[Event]


@dataclass(frozen=True, slots=True)
class Watch:
    """From now on, watch these mailboxes (none: no more), in the place of those before.

    Answered with a tuple of `Noticed`: where `status` says so, each mailbox of which message
    events are wanted, but for the selected one; or with `Declined`, NOTIFICATIONOVERFLOW.
    """

    groups: tuple[Group, ...]
    status: bool = False


@dataclass(frozen=True, slots=True)
class AskNoticed:
    """What was noticed since it was asked last, but what this session has done itself?

    Answered with a tuple of `Named`, `Noticed` and `Annotated`, or with `Overflow`. Messages of
    the selected mailbox are not spoken of.
    """


@dataclass(frozen=True, slots=True)
class Named:
    """A name was created, deleted, renamed, subscribed to or no more (§5.4, §5.5)."""

    mailbox: Mailbox
    has_children: bool
    old_name: str = ""  # it was renamed


@dataclass(frozen=True, slots=True)
class Noticed:
    """The messages of a mailbox have changed (§5.1 to §5.3)."""

    name: str
    counts: Counts
    wanted: frozenset[Event]  # of this mailbox
    flags_alone: bool = False  # no message is new or gone
    unseen: bool = True  # how many are unseen has changed


@dataclass(frozen=True, slots=True)
class Annotated:
    """Annotations were set or removed (§5.6); the empty name is the account (§5.7)."""

    name: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overflow:
    """It is too much; nothing is watched any more (§5.8)."""
