"""What became of every letter of a run: what was said of it, and where it was seen."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.faults.letters import content_of


@dataclass(slots=True)
class Letter:
    """One that a client has brought, or has begun to."""

    recipients: tuple[str, ...]
    reply: int = 0  # to its end, or what refused it before; 0: none came
    doubtful: bool = False  # it was refused while the disk did not say what it had kept

    @property
    def promised(self) -> bool:
        return self.reply == 250

    @property
    def refused(self) -> bool:
        return self.reply >= 400 and not self.doubtful


@dataclass
class Ledger:
    """Everything that is to be accounted for at the end. All threads write into it."""

    letters: dict[int, Letter] = field(default_factory=dict)
    #: By mailbox: which letter each of its UIDs was; those that were expunged since.
    seen: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    expunged: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    #: By letter and recipient: how often a sink has taken it.
    relayed: Counter[tuple[int, str]] = field(default_factory=Counter)
    failed: set[tuple[int, str]] = field(default_factory=set)  # that a report says so of
    delayed: int = 0
    wrong: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)  # by kind of client
    refusals: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str, times: int = 1) -> None:
        with self.lock:
            self.done[what] += times

    def refuse(self, words: str) -> None:
        """What the server said instead of doing it, without what is another each time."""
        with self.lock:
            self.refusals[words[:60]] += 1

    def complain(self, words: str) -> None:
        self.wrong.append(words)

    def see(self, mailbox: str, uid: int, number: int) -> None:
        """A reader has seen this letter under this UID."""
        if uid in self.expunged[mailbox]:
            self.complain(f"UID {uid} of {mailbox} was expunged and is there again")
        before = self.seen[mailbox].setdefault(uid, number)
        if before != number:
            self.complain(f"UID {uid} of {mailbox} was letter {before} and is {number}")

    def take(self, number: int, recipients: list[str], body: bytes) -> None:
        """A sink has taken a letter."""
        if body != body_of(number):
            self.complain(f"letter {number} came to a sink as another")
        with self.lock:
            self.relayed.update((number, recipient) for recipient in recipients)

    @property
    def waiting(self) -> int:
        """Letters that were promised and have not been seen where they are to be."""
        found = {name: set(uids.values()) for name, uids in list(self.seen.items())}
        return sum(
            1
            for number, letter in list(self.letters.items())
            if letter.promised
            and any(
                number not in found[recipient]
                if recipient in found
                else (number, recipient) not in self.relayed
                and (number, recipient) not in self.failed
                for recipient in letter.recipients
            )
        )


def body_of(number: int) -> bytes:
    return content_of(number).partition(b"\r\n\r\n")[2]


@dataclass
class Account:
    """What came of it all."""

    promised: int = 0
    refused: int = 0
    unanswered: int = 0
    unanswered_there: int = 0
    deliveries: int = 0
    relayed: int = 0
    twice: int = 0
    reported: int = 0


def settle(ledger: Ledger) -> Account:
    """Compare what was said with what was seen; what is wrong is added to the ledger."""
    account = Account()
    times: Counter[tuple[int, str]] = Counter()
    for mailbox, uids in ledger.seen.items():
        times.update((number, mailbox) for number in uids.values())
    for number, letter in ledger.letters.items():
        _judge(ledger, number, letter, times, account)
    for number, where in (*times, *ledger.relayed):
        letter_known = ledger.letters.get(number)
        if letter_known is None or where not in letter_known.recipients:
            ledger.complain(f"letter {number} is at {where}, where nobody sent it")
    account.deliveries = sum(times.values())
    account.relayed = len(ledger.relayed)
    account.twice = sum(1 for count in ledger.relayed.values() if count > 1)
    account.reported = len(ledger.failed)
    return account


def _judge(
    ledger: Ledger, number: int, letter: Letter, times: Counter[tuple[int, str]], account: Account
) -> None:
    """Exactly once where it has a mailbox; elsewhere relayed, or reported, or neither."""
    there = 0
    for recipient in letter.recipients:
        key = (number, recipient)
        local = recipient in ledger.seen
        count = times[key] if local else int(key in ledger.relayed or key in ledger.failed)
        there += count > 0
        if count > 1:
            ledger.complain(f"letter {number} is {count} times with {recipient}")
        if letter.promised and not count:
            ledger.complain(f"letter {number} was promised and is not with {recipient}")
        if letter.refused and count:
            ledger.complain(f"letter {number} was refused ({letter.reply}) and is at {recipient}")
    if letter.promised:
        account.promised += 1
    elif letter.reply:
        account.refused += 1
    else:
        account.unanswered += 1
        account.unanswered_there += bool(there)
