"""Answers about the list of mailboxes, their counters and the quota of an account, for IMAP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from posthouse.protocols.imap import events
from posthouse.protocols.imap.mail_events import Declined

from ..annotations import annotations_of, set_annotations
from ..changes import ACCOUNT
from ..known import LONGEST, Known
from ..mailboxes import (
    Mailbox,
    count_deleted,
    count_recent,
    create_mailbox,
    delete_mailbox,
    list_mailboxes,
)
from ..quota import kept
from ..renaming import rename_mailbox
from ..store import Store
from ..subscriptions import list_subscriptions, subscribe, unsubscribe
from .own import OwnWrites
from .refusals import NO_MAILBOX, REFUSALS, done

_DELETED = frozenset({"DELETED", "DELETED-STORAGE"})


class MailboxAnswers:
    """For one connection; `account` gives the account that has logged in."""

    def __init__(
        self,
        store: Store,
        known: Known,
        own: OwnWrites,
        account: Callable[[], int],
        now: Callable[[], float],
        subscribed: Callable[[str], None],
    ) -> None:
        """`subscribed` hears of names to which the session subscribes, or does no more."""
        self._store = store
        self._known = known
        self._own = own
        self._subscribed = subscribed
        self._whose = account
        self._clock = now

    @property
    def _account(self) -> int:
        return self._whose()

    @property
    def _now(self) -> int:
        return int(self._clock())

    def _list(self, question: events.ListMailboxes) -> object:
        subscribed = set(self._store.read(list_subscriptions(self._account)))
        mailboxes = self._store.read(list_mailboxes(self._account))
        if question.status:
            return self._counted(mailboxes, subscribed, question.status)
        return _listed(mailboxes, subscribed, {})

    async def _counted(
        self, mailboxes: list[Mailbox], subscribed: set[str], items: tuple[str, ...]
    ) -> tuple[events.Mailbox, ...]:
        counts = {each.name: await self._counts(each, items) for each in mailboxes}
        return _listed(mailboxes, subscribed, counts)

    async def _create(self, question: events.Create) -> events.Created | Declined:
        unit = create_mailbox(self._account, question.name, self._now, question.special_use)
        try:
            made = await self._own.write(unit)
        except tuple(REFUSALS) as refusal:
            return REFUSALS[type(refusal)]
        return events.Created(mailbox_id(self._account, made.id))

    def _delete(self, question: events.Delete) -> object:
        unit = delete_mailbox(self._account, question.name, self._now)
        return done(self._own.write(unit, long=True))

    def _rename(self, question: events.Rename) -> object:
        unit = rename_mailbox(self._account, question.name, question.to, self._now)
        return done(self._own.write(unit, long=True))

    def _subscribe(self, question: events.Subscribe) -> object:
        self._subscribed(question.name)
        return done(self._own.write(subscribe(self._account, question.name)))

    async def _unsubscribe(self, question: events.Unsubscribe) -> None:
        self._subscribed(question.name)
        await self._own.write(unsubscribe(self._account, question.name))

    def _status(self, question: events.Status) -> object:
        """The same object again, for as long as nothing has changed."""
        account = self._whose()
        found = self._known.of(account)
        key = question.name, question.items
        counts = found.answers.get(key)
        if counts is not None:
            return counts
        mailbox = self._known.mailbox(account, question.name)
        if mailbox is None:
            return NO_MAILBOX
        if not _DELETED.isdisjoint(question.items):
            return self._counts(mailbox, question.items)
        counts = self._cheap_counts(mailbox, question.items)
        if len(question.name) <= LONGEST:
            self._known.keep(account, found, key, counts)
        return counts

    async def _counts(self, found: Mailbox, items: tuple[str, ...]) -> events.Counts:
        if _DELETED.isdisjoint(items):
            return self._cheap_counts(found, items)
        # All flags of the mailbox are looked at.
        deleted = await self._store.read_long(count_deleted(self._account, found.id))
        return self._cheap_counts(found, items, *deleted)

    def _cheap_counts(
        self,
        found: Mailbox,
        items: tuple[str, ...],
        deleted: int = 0,
        deleted_octets: int = 0,
    ) -> events.Counts:
        recent = 0
        if "RECENT" in items:
            recent = self._store.read(count_recent(self._account, found))
        return counts_of(self._account, found, recent, deleted, deleted_octets)

    def _quota(self, _: events.GetQuota) -> events.Quota:
        return events.Quota(*self._store.read(lambda: kept(self._account)))

    def _annotations(self, question: events.GetAnnotations) -> object:
        mailbox = self._annotated(question.mailbox)
        if mailbox is None:
            return NO_MAILBOX
        unit = annotations_of(self._account, mailbox, question.entries, question.depth)
        return self._store.read(unit)

    def _annotate(self, question: events.SetAnnotations) -> object:
        mailbox = self._annotated(question.mailbox)
        if mailbox is None:
            return NO_MAILBOX
        unit = set_annotations(self._account, mailbox, question.values)
        return done(self._own.write(unit))

    def _annotated(self, name: str) -> int | None:
        if not name:
            return ACCOUNT
        found = self._known.mailbox(self._account, name)
        return None if found is None else found.id

    answers: ClassVar[Mapping[type, Callable[..., object]]] = {
        events.ListMailboxes: _list,
        events.Create: _create,
        events.Delete: _delete,
        events.Rename: _rename,
        events.Subscribe: _subscribe,
        events.Unsubscribe: _unsubscribe,
        events.Status: _status,
        events.GetQuota: _quota,
        events.GetAnnotations: _annotations,
        events.SetAnnotations: _annotate,
    }


def counts_of(
    account: int, found: Mailbox, recent: int = 0, deleted: int = 0, deleted_octets: int = 0
) -> events.Counts:
    """What STATUS tells of a mailbox; what costs a look at its messages is given."""
    return events.Counts(
        found.messages,
        found.unseen,
        found.uid_next,
        found.uid_validity,
        recent,
        found.highest_modseq,
        found.octets,
        deleted,
        deleted_octets,
        mailbox_id(account, found.id),
    )


def mailbox_id(account: int, mailbox: int) -> str:
    """RFC 8474 §4: of the mailbox, whatever its name; its number is never used again."""
    return f"F{account}-{mailbox}"


def _listed(
    mailboxes: list[Mailbox], subscribed: set[str], counts: Mapping[str, events.Counts]
) -> tuple[events.Mailbox, ...]:
    names = {mailbox.name for mailbox in mailboxes}
    return (
        *(
            events.Mailbox(
                each.name, each.name in subscribed, True, each.special_use, counts.get(each.name)
            )
            for each in mailboxes
        ),
        *(events.Mailbox(name, True, False) for name in sorted(subscribed - names)),
    )
