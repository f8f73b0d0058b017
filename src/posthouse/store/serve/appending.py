"""Takes the messages of APPEND and REPLACE: spooled as they come, filed all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from posthouse.message.binary import LARGEST, without_binary
from posthouse.message.downgrade import Unconvertible
from posthouse.message.header import has_eight_bit_field
from posthouse.message.summary import Summary, summarise
from posthouse.protocols.imap import events
from posthouse.protocols.imap.mail_events import Declined, News
from posthouse.runtime.later import Later

from .. import flags as flag_text
from ..blobs.files import BlobFiles
from ..contents import header_size
from ..mailboxes import find_mailbox
from ..messages.append import Arrival, Filed, append_messages, size_of
from ..messages.refusals import NoSuchMailbox
from ..quota import OverQuota
from ..quota import kept as octets_kept
from ..space import Lack
from ..spool import Spool, Spooled
from ..store import Store
from ..summing import sum_up
from .newlines import Newlines
from .own import OwnWrites
from .refusals import LACKS, REFUSALS, TRY_CREATE

#: RFC 6855 §4: MUST, until UTF8=ACCEPT is enabled, whichever way the message is given.
EIGHT_BIT = Declined("the header is not ASCII; enable UTF8=ACCEPT first", "CANNOT")
UNKNOWN_CTE = Declined("the message has binary content that cannot be encoded", "UNKNOWN-CTE")


@dataclass(slots=True)
class Append:
    """A message that is being appended."""

    flags: str
    date: datetime | None
    spool: Spool
    newlines: Newlines
    binary: bool
    utf8: bool
    failure: OSError | None = None


class AppendAnswers:
    """For one connection; `account` gives the account that has logged in.

    `selected` gives the mailbox that is selected, and `news` what happened there since a version.
    `lack` says what is missing for anything to be kept.
    """

    def __init__(
        self,
        store: Store,
        own: OwnWrites,
        blobs: BlobFiles,
        normalise: bool,
        now: Callable[[], float],
        account: Callable[[], int],
        selected: Callable[[], int],
        news: Callable[[int], Awaitable[News]],
        lack: Callable[[], Lack | None] = lambda: None,
    ) -> None:
        self._store = store
        self._own = own
        self._blobs = blobs
        self._normalise = normalise
        self._now = now
        self._account = account
        self._selected = selected
        self._news = news
        self._lack = lack
        self._mailbox = ""
        #: The account, which has no quota, and its mailbox, to which a message may be appended.
        self._fit: tuple[int, str] | None = None
        self._appends: list[Append] = []

    def _begin(self, question: events.BeginAppend) -> Declined | None:
        if self._fit != (self._account(), question.mailbox) and (refusal := self._unfit(question)):
            return refusal
        if lack := self._lack():
            return LACKS[lack]
        try:
            flags = flag_text.canonical([flag.decode("ascii") for flag in question.flags])
        except flag_text.TooManyFlags as refusal:
            return REFUSALS[type(refusal)]
        self._mailbox = question.mailbox
        # What is binary is looked at first, and has its newlines as they are.
        newlines = Newlines(self._normalise and not question.binary)
        spool = Spool(self._blobs)
        self._appends.append(
            Append(flags, question.date, spool, newlines, question.binary, question.utf8)
        )
        return None

    def _unfit(self, question: events.BeginAppend) -> Declined | None:
        """Why it would not be filed, before it is sent in vain; what counts is looked at then."""
        account = self._account()
        self._fit = None
        if self._store.read(find_mailbox(account, question.mailbox)) is None:
            return TRY_CREATE
        kept, most = self._store.read(lambda: octets_kept(account))
        if not most:
            self._fit = account, question.mailbox
            return None
        octets = question.size + sum(each.spool.size for each in self._appends)
        if question.replaces:
            octets -= self._store.read(size_of(account, self._selected(), question.replaces))
        return REFUSALS[OverQuota] if kept + octets > most else None

    def content(self, octets: bytes) -> None:
        """Some octets of the last message."""
        append = self._appends[-1] if self._appends else None
        if append is None or append.failure is not None:
            return
        try:
            append.spool.write(append.newlines.take(octets))
        except OSError as error:
            append.failure = error

    @property
    def held(self) -> int:
        """Octets of the messages that are in memory."""
        return sum(each.spool.held for each in self._appends)

    def abandon(self) -> None:
        """None of the messages is wanted."""
        appends, self._appends = self._appends, []
        let_go(appends)

    def _end(self, _: events.EndAppend) -> Awaitable[events.Appended | Declined] | Declined:
        """A small message, as most are, has nothing to wait for but its commit."""
        if len(self._appends) > 1 or self._own.marks:
            return self._file(None)
        [append] = self._appends
        if not append.spool.is_small or (append.binary and append.newlines.fault):
            return self._file(None)
        return self._file_small(append)

    def _file_small(self, append: Append) -> Awaitable[events.Appended | Declined] | Declined:
        self._appends = []
        if refusal := self._refusal(append):
            let_go([append])
            return refusal
        spooled = append.spool.finish_small()
        assert spooled.octets is not None
        arrival = self._arrival_of(append, spooled, summarise(spooled.octets))
        unit = append_messages(self._account(), self._mailbox, [arrival], int(self._now()))
        answer: Later[events.Appended | Declined] = Later()

        def filed(result: list[Filed] | None, error: Exception | None) -> None:
            if result is not None:
                answer.give(appended_of(result))
            elif error is not None and type(error) in REFUSALS:
                answer.give(self._refused(error))
            elif error is not None:
                answer.fail(error)

        self._store.write_then(unit, filed)
        return answer

    async def _replace(self, question: events.Replace) -> events.Replaced | Declined:
        appended = await self._file((self._selected(), question.uid))
        if isinstance(appended, Declined):
            return appended
        return events.Replaced(appended, await self._news(question.version))

    async def _file(self, replaced: tuple[int, int] | None) -> events.Appended | Declined:
        appends, self._appends = self._appends, []  # nobody else lets go of them now
        assert appends, "no message is being appended"
        try:
            arrivals = await self._arrivals(appends)
        except BaseException:
            let_go(appends)
            raise
        if isinstance(arrivals, Declined):
            let_go(appends)
            return arrivals
        unit = append_messages(self._account(), self._mailbox, arrivals, int(self._now()), replaced)
        try:
            # If the client goes away now, the unit completes all the same.
            filed = await self._own.write(unit, long=len(arrivals) > 1)
        except tuple(REFUSALS) as refusal:
            let_go(appends)
            return self._refused(refusal)
        except Exception:
            # Nothing was filed. Only where the disk has failed, a row may be found by the next
            # start that names a file: they stay, and are swept if none is.
            if not self._store.trouble:
                let_go(appends)
            raise
        return appended_of(filed)

    def _refused(self, refusal: Exception) -> Declined:
        self._fit = None
        return TRY_CREATE if type(refusal) is NoSuchMailbox else REFUSALS[type(refusal)]

    async def _arrivals(self, appends: list[Append]) -> list[Arrival] | Declined:
        arrivals = []
        for append in appends:
            arrival = await self._arrival(append)
            if isinstance(arrival, Declined):
                return arrival
            arrivals.append(arrival)
        return arrivals

    def _refusal(self, append: Append) -> Declined | None:
        """It has been read: why it cannot be filed as it is."""
        if append.failure is not None:
            raise append.failure
        append.spool.write(append.newlines.end())
        fault = append.newlines.fault
        if fault and not append.binary:
            return Declined(fault, "CANNOT")
        beginning = append.spool.beginning()
        if not append.utf8 and has_eight_bit_field(beginning[: header_size(beginning)]):
            return EIGHT_BIT
        return None

    async def _arrival(self, append: Append) -> Arrival | Declined:
        """The message, whose content is durable by then, or why it cannot be filed."""
        if refusal := self._refusal(append):
            return refusal
        spooled = await append.spool.finish()
        if append.newlines.fault:
            try:
                spooled = await self._encoded(append, spooled)
            except Unconvertible:
                return UNKNOWN_CTE
        if spooled.octets is not None:
            summary = summarise(spooled.octets)
        else:
            file, size = spooled.prepared.file, spooled.prepared.size
            assert file is not None
            summary = await sum_up(file, size, self._blobs)
        return self._arrival_of(append, spooled, summary)

    def _arrival_of(self, append: Append, spooled: Spooled, summary: Summary) -> Arrival:
        date = self._now() if append.date is None else append.date.timestamp()
        return Arrival(spooled.prepared, summary, int(date), append.flags)

    async def _encoded(self, append: Append, spooled: Spooled) -> Spooled:
        """The same message with its binary parts in BASE64 (RFC 3516 §4.4)."""
        if spooled.prepared.size > LARGEST:
            raise Unconvertible("5.6.3", "the message is too large to be encoded")
        file, octets = spooled.prepared.file, spooled.octets
        if octets is None:
            assert file is not None
            octets = bytes(await asyncio.to_thread(self._blobs.read_all, file))
        encoded = await asyncio.to_thread(without_binary, octets)
        newlines = Newlines(normalise=False)
        newlines.take(encoded)
        newlines.end()
        if newlines.fault:
            raise Unconvertible("5.6.3", newlines.fault)
        append.spool.abandon()
        append.spool = Spool(self._blobs)
        append.spool.write(encoded)
        return await append.spool.finish()

    answers: ClassVar[Mapping[type, Callable[..., object]]] = {
        events.BeginAppend: _begin,
        events.EndAppend: _end,
        events.Replace: _replace,
    }


def appended_of(filed: list[Filed]) -> events.Appended:
    return events.Appended(filed[0].uid_validity, [each.uid for each in filed])


def let_go(appends: list[Append]) -> None:
    """Nothing of them will be filed."""
    for append in appends:
        append.spool.abandon()
