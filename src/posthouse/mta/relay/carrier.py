"""The agent of one connection to another host: what the client's engine asks and shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from posthouse.message.downgrade import Unconvertible as CannotConvert
from posthouse.mta.queue.relaying import Waiting
from posthouse.mta.route.hop import NextHop
from posthouse.protocols.sasl.mechanism import SaltedPassword
from posthouse.protocols.sasl.scram import salted_password
from posthouse.protocols.smtp.client.events import (
    Convert,
    Letter,
    NextBlock,
    NextLetter,
    Outcome,
    Ready,
    Unconvertible,
    Unusable,
)
from posthouse.protocols.smtp.client.session import Session

from .connections import Share
from .content import Open, Source
from .job import AT_ONCE, Job


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one host."""

    hop: NextHop
    address: str

    @property
    def place(self) -> tuple[str, int]:
        return self.address, self.hop.port


class Supply(Protocol):
    """Where a carrier gets letters, and whom it tells what became of them."""

    def ready(self, carrier: Carrier) -> None:
        """The connection takes letters."""

    def next_letter(self, carrier: Carrier) -> object:
        """A `Letter`, None, or an awaitable of one of them."""

    def carried(self, carrier: Carrier, job: Job, sent: list[Waiting], outcome: Outcome) -> None:
        """A transaction has ended."""

    def again(self, job: Job) -> None:
        """A letter that was given out has not been tried."""

    def gone(self, carrier: Carrier) -> None:
        """The connection has ended."""


class Carrier:
    """One connection."""

    def __init__(
        self,
        supply: Supply,
        session: Session,
        target: Target,
        source: Open,
        share: Share,
        others: frozenset[str],
    ) -> None:
        """`others` are the addresses that the same letters could go to."""
        self.target = target
        self.session = session
        #: None once letters can be sent; or why they cannot.
        self.opened: asyncio.Future[Unusable | None] = asyncio.get_running_loop().create_future()
        self.job: Job | None = None
        self.dismissed = False  # it says QUIT, or has said it
        self.waiting: asyncio.Future[Letter | None] | None = None  # for a letter
        self.timer: asyncio.TimerHandle | None = None
        self.share: Share | None = None  # of the connections, once it is open
        self.others = others
        self._supply = supply
        self._share = share
        self._open_source = source
        self._source: Source | None = None
        self._sent: list[Waiting] = []

    def load(self, job: Job) -> Letter:
        """Take a letter, or as many of its recipients as one transaction may have."""
        self.job = job
        taken = job.taken
        self._sent = job.open[:AT_ONCE]
        self._source = self._open_source(taken.content)
        return Letter(
            taken.reverse_path,
            tuple(waiting.forward_path for waiting in self._sent),
            taken.size,
            taken.body == "8BITMIME",
        )

    @property
    def held(self) -> int:
        """Octets of a converted letter that are in memory."""
        return 0 if self._source is None else self._source.held

    # What the engine asks and shows

    def ask(self, question: object) -> object:
        if type(question) is NextBlock:
            assert self._source is not None
            return self._source.block()
        if type(question) is NextLetter:
            return self._supply.next_letter(self)
        if isinstance(question, SaltedPassword):
            return asyncio.to_thread(salted_password, question)
        assert isinstance(question, Convert), f"not a question of a client: {question!r}"
        return self._convert(question.letter)

    def show(self, event: object) -> None:
        if isinstance(event, Outcome):
            self._carried(event)
        elif isinstance(event, Ready):
            self.share = self._share
            self._supply.ready(self)
            self._answer_opened(None)
        elif isinstance(event, Unusable):
            self._answer_opened(event)

    def closed(self) -> None:
        lost = self.session.lost()
        if lost is not None:
            self.show(lost)
        self._answer_opened(None)
        job, self.job = self.job, None
        self._supply.gone(self)
        if job is not None:
            self._supply.again(job)

    # Parts

    def _answer_opened(self, unusable: Unusable | None) -> None:
        if not self.opened.done():
            self.opened.set_result(unusable)

    def _carried(self, outcome: Outcome) -> None:
        job, sent = self.job, self._sent
        assert job is not None
        self.job, self._source, self._sent = None, None, []
        self._supply.carried(self, job, sent, outcome)

    def _convert(self, letter: Letter) -> Awaitable[object]:
        source = self._source
        assert source is not None

        async def convert() -> object:
            try:
                size = await source.convert()
            except CannotConvert as why:
                return Unconvertible(why.status, why.text)
            return Letter(letter.reverse_path, letter.recipients, size)

        return convert()
