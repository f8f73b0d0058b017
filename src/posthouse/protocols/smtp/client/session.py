"""What is known of one SMTP session, on the client side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ...dialogue import TLS, Dialogue, Send
from ...sasl.mechanism import Credentials
from .events import Fate, Letter, Outcome, Result, Unusable
from .reply import Over, PeerReply, ours, read_reply

LOST = ours("4.4.2", "the connection was lost")


class TLSPolicy(Enum):
    """What is asked of STARTTLS. What the certificate has to prove, the driver knows."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"  # where it is offered (RFC 7435)
    REQUIRED = "required"  # with any certificate
    VERIFIED = "verify"  # with one that names the peer


@dataclass(frozen=True, slots=True)
class Times:
    """How long the peer may take, in seconds (RFC 5321 §4.5.3.2)."""

    greeting: float = 300.0
    hello: float = 300.0  # EHLO, STARTTLS, AUTH
    mail: float = 300.0  # and RSET
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0  # to take a block of the content; the driver's
    end: float = 600.0
    quit: float = 30.0
    opening: float = 900.0  # all until letters can be sent
    letter: float = 7200.0  # all of one letter


@dataclass(frozen=True, slots=True)
class Settings:
    """What the next hop asks for."""

    hostname: str
    tls: TLSPolicy = TLSPolicy.OPPORTUNISTIC
    credentials: Credentials | None = None  # then a log-in has to succeed
    plaintext: bool = False  # a password may go in the clear: on loopback
    lmtp: bool = False  # RFC 2033
    times: Times = field(default_factory=Times)


@dataclass(slots=True)
class Transaction:
    """The letter in hand."""

    letter: Letter
    results: dict[int, Result] = field(default_factory=dict)  # by the recipient's place
    ended: bool = False  # the final dot may have gone out
    unsendable: bool = False  # its content cannot be read, or not be said

    @property
    def open(self) -> list[int]:
        """The recipients of whom nothing is known yet."""
        return [i for i in range(len(self.letter.recipients)) if i not in self.results]

    def settle(self, result: Result, places: list[int] | None = None) -> None:
        """Settle these recipients; without `places`, all that are open."""
        for place in self.open if places is None else places:
            self.results[place] = result

    def outcome(self, reusable: bool, stale: bool = False) -> Outcome:
        """What became of it, once everyone is settled."""
        results = tuple(self.results[i] for i in range(len(self.letter.recipients)))
        return Outcome(self.letter, results, reusable, stale, self.unsendable)


@dataclass(slots=True)
class Session:
    """The dialogues write it; an agent calls `lost` in its `closed`, and only reads the rest."""

    settings: Settings
    tls: TLS | None = None  # also where it is there from the start
    name: str = ""
    offers: Mapping[str, str] = field(default_factory=dict)
    ready: bool = False
    command: str = "greeting"  # that was said last
    closing: bool = False  # the peer said 421
    reset_needed: bool = False
    over: bool = False
    transaction: Transaction | None = None
    letters: int = 0  # that were begun

    def lost(self, why: PeerReply = LOST) -> Outcome | Unusable | None:
        """What it means that the session ends here; None when nothing was under way."""
        if self.over:
            return None
        self.over = True
        fate = Fate.REFUSED if why.permanent else Fate.TEMPORARY
        transaction, self.transaction = self.transaction, None
        if transaction is None:
            return None if self.ready else Unusable(Result(fate, self.command, why))
        if transaction.ended:
            fate = Fate.DOUBT
        transaction.settle(Result(fate, self.command, why))
        stale = self.letters > 1 and self.command in ("RSET", "MAIL")
        return transaction.outcome(reusable=False, stale=stale)

    # Speaking

    def say(self, line: str, within: float, command: str = "") -> Dialogue[PeerReply]:
        """Send a command and wait for its reply. Raises Over, also for 421."""
        yield Send(line.encode("ascii") + b"\r\n")
        return (yield from self.listen(command or line.partition(" ")[0], within))

    def listen(self, command: str, within: float) -> Dialogue[PeerReply]:
        """The reply to a command that was sent. Raises Over, also for 421."""
        self.command = command
        reply = yield from read_reply(within)
        if reply.code == 421:  # RFC 5321 §3.8: it may come at any time
            self.closing = True
            raise Over(reply)
        return reply

    def hear(self, command: str, within: float) -> Dialogue[PeerReply]:
        """The reply to a command that was sent, whatever it says."""
        self.command = command
        reply = yield from read_reply(within)
        self.closing = self.closing or reply.code == 421
        return reply


def verdict(command: str, reply: PeerReply) -> Result:
    """What a reply to a command means for those it was about (RFC 5321 §4.2.1)."""
    if reply.positive:
        return Result(Fate.DELIVERED, command, reply)
    return Result(Fate.REFUSED if reply.permanent else Fate.TEMPORARY, command, reply)
