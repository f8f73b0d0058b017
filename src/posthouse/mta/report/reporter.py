"""Makes the letter that tells a sender what became of another letter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from posthouse.accounts.directory import SEPARATOR, Absent
from posthouse.message.address import parse_mailbox
from posthouse.message.reports.dsn import Action, DeliveryReport, RecipientStatus, compose
from posthouse.mta.queue.concluding import Report, derived, name_of
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.listing import Entry
from posthouse.mta.queue.outcome import Trouble
from posthouse.mta.receive.recipients import find, foreign
from posthouse.store.contents import ContentDamaged, Stored, prepare, read_content
from posthouse.store.unit import Unit

T = TypeVar("T")

WHOLE = 32 * 1024  # octets of a letter that is returned whole; of a larger one the header is
BEGINNING = 16 * 1024  # octets of a header that is returned


class Reader(Protocol):
    """What is needed of the store."""

    def read(self, unit: Unit[T]) -> T: ...


class Reporter:
    """Of one site. A report has the null reverse-path, and none is made of one that has it."""

    def __init__(
        self,
        store: Reader,
        hostname: str,
        now: Callable[[], float],
        separator: str = SEPARATOR,
    ) -> None:
        self._store = store
        self._hostname = hostname
        self._now = now
        self._separator = separator

    def report(
        self,
        entries: Sequence[Entry],
        troubles: Mapping[int, Trouble],
        action: Action,
        retry_until: int = 0,
    ) -> Report | None:
        """About recipients of one letter. None where there is nobody to be told.

        The recipients are those of `troubles`; the origin derives from them and the action.
        """
        first = entries[0]
        recipients = self._sender(first.reverse_path)
        if not recipients:
            return None
        concerned = [entry for entry in entries if entry.number in troubles]
        origin = derived(first.name, troubles, action)
        stored = self._content(first.content)
        now = self._now()
        octets = compose(
            DeliveryReport(
                hostname=self._hostname,
                sender=first.reverse_path,
                time=now,
                message_id=f"<{name_of(origin)}.{action}@{self._hostname}>",
                name=first.name,
                received=first.received,
                recipients=_statuses(concerned, troubles, action, retry_until, int(now)),
                header=_beginning(stored),
                content=_whole(stored) if action is Action.FAILED else None,
            )
        )
        letter = Letter(
            reverse_path="",
            content=prepare(octets),
            source="report",
            body="7BIT" if octets.isascii() else "8BITMIME",
            octets=octets,
        )
        return Report(origin, letter, recipients)

    def _content(self, content: int) -> Stored | None:
        """What may be returned. A letter that was damaged ends like others, with a report."""
        try:
            return self._store.read(lambda: read_content(content))
        except ContentDamaged:
            return None

    def _sender(self, reverse_path: str) -> tuple[Recipient, ...]:
        """Who gets the report: an account of this site, or somebody of another."""
        if not reverse_path:
            return ()
        try:
            address = parse_mailbox(reverse_path, smtputf8=True)
        except ValueError:
            return ()
        found = self._store.read(find(address, self._separator))
        if found is Absent.FOREIGN_DOMAIN:
            return (foreign(address),)
        return () if isinstance(found, Absent) else tuple(found)


def _statuses(
    entries: Sequence[Entry],
    troubles: Mapping[int, Trouble],
    action: Action,
    retry_until: int,
    now: int,
) -> list[RecipientStatus]:
    """One for each address that was accepted: who stands behind an alias is not told."""
    statuses: dict[str, RecipientStatus] = {}
    for entry in entries:
        address = entry.original or entry.forward_path
        trouble = troubles[entry.number]
        statuses.setdefault(
            address,
            RecipientStatus(
                final=address,
                action=action,
                status=trouble.status,
                reason=trouble.reason,
                remote=trouble.remote,
                reply=trouble.reply,
                tried=now if not entry.tried or entry.state == "leased" else entry.tried,
                retry_until=retry_until,
            ),
        )
    return list(statuses.values())


def _beginning(stored: Stored | None) -> bytes:
    """The header; of one that is too large the fields that fit, whole lines of it."""
    if stored is None:
        return b""
    if len(stored.header) <= BEGINNING:
        return stored.header
    cut = stored.header[:BEGINNING]
    return cut[: cut.rfind(b"\r\n") + 2] + b"\r\n"


def _whole(stored: Stored | None) -> bytes | None:
    if stored is None or stored.octets is None or stored.size > WHOLE:
        return None
    return stored.octets
