"""Many at work at once, and a ledger of what each was promised, and at which moment.

Senders hand letters to the queue. An owner works in the mailboxes of one account, one command
after the other; after each answer its account is written down, so that after any crash it must be
as after the last command answered, or the one that was under way.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from posthouse.message.summary import summarise
from posthouse.store import flags, mailboxes
from posthouse.store.contents import sweep_contents
from posthouse.store.database import StoreUnavailable
from posthouse.store.messages.append import Filed, append_message
from posthouse.store.messages.copy import copy_messages
from posthouse.store.messages.expunge import expunge_messages, sweep_tombstones
from posthouse.store.messages.refusals import NoSuchMailbox
from posthouse.store.messages.store import store_flags
from posthouse.store.renaming import rename_mailbox
from posthouse.store.subscriptions import subscribe
from posthouse.store.unit import Row, Unit, Work, rows_of

from .house import House, add_accounts
from .letters import content_of, number_of

NAMES = ("Work", "Work/Old", "Lists", "Lists/a/b", "Sent", "Kept")
FORGOTTEN = 1  # "now" of what is to be swept
LASTING = 1_000_000

Dump = tuple[tuple[Row, ...], ...]
OWN_ROWS = (
    "SELECT * FROM mailbox WHERE account = ?1 AND id <> 1 ORDER BY id",
    "SELECT * FROM message WHERE account = ?1 AND mailbox <> 1 ORDER BY mailbox, uid",
    "SELECT * FROM tombstone WHERE account = ?1 AND mailbox <> 1 ORDER BY mailbox, uid",
    "SELECT * FROM change WHERE account = ?1 AND mailbox <> 1 ORDER BY mailbox, modseq, kind",
    "SELECT * FROM subscription WHERE account = ?1 ORDER BY name",
)


def own_rows(account: int) -> Unit[Dump]:
    """Everything of an account but its INBOX, where letters arrive meanwhile."""

    def unit() -> Work[Dump]:
        dump: Dump = ()
        for sql in OWN_ROWS:
            rows = yield from rows_of(sql, account)
            dump = (*dump, tuple(rows))
        return dump

    return unit


@dataclass
class Fate:
    """What became of a letter, or of an appended message."""

    recipients: tuple[int, ...]  # accounts
    appended: bool = False  # by an owner, into a mailbox of its own
    promised: int | None = None  # when
    refused: int | None = None


@dataclass(frozen=True)
class Told:
    """What a reader saw at a moment: this UID is this letter; all is up to this mod-sequence."""

    at: int
    account: int
    uid_validity: int
    uid: int
    modseq: int
    number: int


@dataclass(frozen=True)
class Step:
    """An owner's account after one of its commands."""

    at: int
    dump: Dump


@dataclass
class Ledger:
    """All promises of a run."""

    opened: int = -1  # when the accounts were promised
    accounts: int = 0
    letters: dict[int, Fate] = field(default_factory=dict)
    steps: dict[int, list[Step]] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    expunged: list[tuple[int, int, int]] = field(default_factory=list)  # when, account, INBOX UID
    unavailable: int = 0  # commands refused since the store takes no writes
    failures: list[BaseException] = field(default_factory=list)

    def promises(self) -> list[int]:
        """The moments at which something was promised."""
        moments = [step.at for steps in self.steps.values() for step in steps]
        moments += [fate.promised for fate in self.letters.values() if fate.promised is not None]
        moments += [told.at for told in self.told] + [when for when, _, _ in self.expunged]
        return sorted({self.opened, *moments})


@dataclass
class Size:
    """How long a script is."""

    accounts: int = 3
    steps: int = 12  # of each owner
    senders: int = 3
    letters: int = 6  # of each sender


class Script:
    """One run."""

    def __init__(self, house: House, ledger: Ledger, seed: int, size: Size) -> None:
        self.house = house
        self.ledger = ledger
        self.seed = seed
        self.size = size
        self.numbers = itertools.count(seed * 1_000_000 + 1)
        self.seen: dict[int, int] = {}  # the next UID of an INBOX

    async def run(self) -> None:
        """Everybody at once, to the end."""
        size, ledger = self.size, self.ledger
        await self.house.store.write(lambda: add_accounts(size.accounts))
        ledger.opened, ledger.accounts = self.house.disk.position, size.accounts
        for account in range(1, size.accounts + 1):
            dump = self.house.store.read(own_rows(account))
            ledger.steps[account] = [Step(ledger.opened, dump)]
        await asyncio.gather(
            *(
                self.send(random.Random(repr((self.seed, "sender", n))))
                for n in range(size.senders)
            ),
            *(Owner(self, account).work() for account in range(1, size.accounts + 1)),
        )

    async def send(self, chance: random.Random) -> None:
        for _ in range(self.size.letters):
            number = next(self.numbers)
            several = chance.randint(1, self.size.accounts)
            recipients = tuple(chance.sample(range(1, self.size.accounts + 1), several))
            fate = self.ledger.letters[number] = Fate(recipients)
            content = content_of(number)
            try:
                prepared = await self.house.prepare(content)
            except OSError:
                fate.refused = self.house.disk.position
                continue
            future = self.house.accept(prepared, content, recipients)
            future.add_done_callback(partial(self.settled, fate))
            await asyncio.wait([future])
            if future.exception() is not None and prepared.file is not None:
                self.house.blobs.remove(prepared.file)

    def settled(self, fate: Fate, done: asyncio.Future[Any]) -> None:
        position = self.house.disk.position
        error = done.exception()
        if error is None:
            fate.promised = position
        else:
            fate.refused = position
            self.count(error)

    def count(self, error: BaseException) -> None:
        if isinstance(error, StoreUnavailable):
            self.ledger.unavailable += 1
        elif not isinstance(error, EXPECTED):
            self.ledger.failures.append(error)

    def look(self, account: int) -> None:
        """Read what is new in an INBOX, as a client in IDLE does."""

        def new() -> Work[list[Row]]:
            return (
                yield from rows_of(
                    "SELECT uid_validity, uid, highest_modseq, header FROM message AS m"
                    " JOIN mailbox AS b ON b.account = m.account AND b.id = m.mailbox"
                    " JOIN content_octets AS c ON c.content = m.content"
                    " WHERE m.account = ?1 AND mailbox = 1 AND uid >= ?2 ORDER BY uid",
                    account,
                    self.seen.get(account, 1),
                )
            )

        for uid_validity, uid, modseq, header in self.house.store.read(new):
            position = self.house.disk.position
            self.seen[account] = uid + 1
            self.ledger.told.append(
                Told(position, account, uid_validity, uid, modseq, number_of(header))
            )


EXPECTED = (
    NoSuchMailbox,
    mailboxes.MailboxExists,
    mailboxes.NotAllowed,
)


class Owner:
    """Works in the mailboxes of one account."""

    def __init__(self, script: Script, account: int) -> None:
        self.script = script
        self.house = script.house
        self.account = account
        self.chance = random.Random(repr((script.seed, "owner", account)))

    async def work(self) -> None:
        actions: list[tuple[Callable[[], Awaitable[object]], int]] = [
            (self.append, 5),
            (self.store_flags, 4),
            (self.copy, 3),
            (self.expunge, 2),
            (self.expunge_inbox, 2),
            (self.create, 2),
            (self.delete, 1),
            (self.rename, 2),
            (self.subscribe, 1),
            (self.forget, 2),
        ]
        weights = [weight for _, weight in actions]
        for _ in range(self.script.size.steps):
            action, _ = self.chance.choices(actions, weights)[0]
            await action()
            self.script.look(self.account)

    async def do(self, unit: Unit[Any], then: Callable[[int, Any], None] | None = None) -> Any:
        """Run a unit; write down the account when it is answered."""

        def answered(done: asyncio.Future[Any]) -> None:
            position = self.house.disk.position
            error = done.exception()
            if error is not None:
                self.script.count(error)
                return
            if then is not None:
                then(position, done.result())
            dump = self.house.store.read(own_rows(self.account))
            self.script.ledger.steps[self.account].append(Step(position, dump))

        future = self.house.store.write(unit)
        future.add_done_callback(answered)
        await asyncio.wait([future])
        return None if future.exception() is not None else future.result()

    # What it looks at

    def mailbox(self, besides: str = "INBOX") -> int:
        """Any whose name does not begin so, nor is INBOX."""
        listed = self.house.store.read(mailboxes.list_mailboxes(self.account))
        names = [each for each in listed if not each.name.startswith(("INBOX", besides))]
        return self.chance.choice(names).id

    def ranges(self, mailbox: int) -> list[tuple[int, int]]:
        uids = [
            row[0]
            for row in self.house.store.read(
                lambda: rows_of(
                    "SELECT uid FROM message WHERE account = ?1 AND mailbox = ?2",
                    self.account,
                    mailbox,
                )
            )
        ]
        if not uids:
            return [(1, 5)]
        first, last = sorted((self.chance.choice(uids), self.chance.choice(uids)))
        return [(first, last)]

    def name(self) -> str:
        return self.chance.choice(NAMES)

    # What it does

    async def append(self, name: str | None = None) -> Filed | None:
        number = next(self.script.numbers)
        fate = self.script.ledger.letters[number] = Fate((self.account,), appended=True)
        content = content_of(number)
        try:
            prepared = await self.house.prepare(content)
        except OSError:
            fate.refused = self.house.disk.position
            return None
        unit = append_message(
            self.account, name or self.name(), prepared, summarise(content), 7, "\\Seen"
        )

        def filed(position: int, _result: object) -> None:
            fate.promised = position

        result: Filed | None = await self.do(unit, filed)
        if result is None:
            fate.refused = self.house.disk.position
            if prepared.file is not None:
                self.house.blobs.remove(prepared.file)
        return result

    async def store_flags(self) -> None:
        mailbox = self.mailbox()
        change = self.chance.choice((flags.added, flags.removed, flags.replaced))
        given = tuple(self.chance.sample((*flags.SYSTEM, "$Junk", "a", "b"), 2))
        await self.do(store_flags(self.account, mailbox, self.ranges(mailbox), change, given))

    async def copy(self) -> None:
        mailbox = self.mailbox(besides="Moved")  # a letter is to be in one place
        ranges = self.ranges(mailbox)
        await self.do(copy_messages(self.account, mailbox, ranges, self.name()))

    async def expunge(self) -> None:
        mailbox = self.mailbox()
        deleted_only = self.chance.random() < 0.5
        await self.do(
            expunge_messages(self.account, mailbox, self.ranges(mailbox), LASTING, deleted_only)
        )

    async def expunge_inbox(self) -> None:
        account, ledger = self.account, self.script.ledger

        def expunged(position: int, uids: list[int]) -> None:
            ledger.expunged += [(position, account, uid) for uid in uids]

        await self.do(
            expunge_messages(account, 1, self.ranges(1), LASTING, deleted_only=False),
            expunged,
        )

    async def create(self) -> None:
        await self.do(mailboxes.create_mailbox(self.account, self.name(), 1))

    async def delete(self) -> None:
        await self.do(mailboxes.delete_mailbox(self.account, self.name(), LASTING))

    async def rename(self) -> None:
        old = self.chance.choice((*NAMES, "INBOX"))
        new = f"Moved {next(self.script.numbers)}" if old == "INBOX" else self.name()
        await self.do(rename_mailbox(self.account, old, new, 1))

    async def subscribe(self) -> None:
        await self.do(subscribe(self.account, self.name()))

    async def forget(self) -> None:
        """A message comes, is expunged, and is swept with its content and file."""
        if self.account != 1:
            return
        filed = await self.append("Trash")
        if filed is None:
            return
        where = (filed.uid, filed.uid)
        await self.do(expunge_messages(1, filed.mailbox, [where], FORGOTTEN, deleted_only=False))
        await self.do(sweep_tombstones(FORGOTTEN + 1, 100))
        swept = await self.do(lambda: sweep_contents(100))
        for file in swept[1] if swept else ():
            self.house.blobs.remove(file)
