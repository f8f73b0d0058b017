"""From what came of a try to what is in the queue."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import pytest

from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.listing import Entry, list_queue
from posthouse.mta.queue.outcome import Deferred, Expanded, Failed, Outcome, Relayed, Trouble
from posthouse.mta.queue.relaying import Taken, lease_next_hop
from posthouse.mta.queue.schedule import DAY, HOUR, Schedule
from posthouse.mta.queue.selection import Selection
from posthouse.mta.queue.states import State
from posthouse.mta.queue.units import accept
from posthouse.mta.report.reporter import WHOLE, Reporter
from posthouse.mta.report.settlement import Settlement
from posthouse.runtime.log import open_log
from posthouse.store.contents import prepare, read_content
from posthouse.store.store import Store
from posthouse.store.unit import Work, run

from ..queue.site import NOON, found

LATER = Deferred(Trouble("It did not take it now.", "4.2.0", "mx.b.example", "450 4.2.0 later"))
NEVER = Failed(Trouble("It does not take it.", "5.1.1", "mx.b.example", "550 5.1.1 no such user"))


@dataclass
class Site:
    store: Store
    settlement: Settlement
    now: int = NOON
    said: list[str] = field(default_factory=list)
    leases: int = 0

    async def take_in(
        self, sender: str, *recipients: Recipient, text: bytes = b"Hello\r\n"
    ) -> None:
        content = prepare(b"From: ann@a.example\r\nSubject: Hello\r\n\r\n" + text)
        letter = Letter(sender, content, "test")
        await self.store.write(accept("L1", letter, recipients, self.now, "", 0))

    async def lease(self, hop: str = "b.example") -> tuple[Taken, str]:
        self.leases += 1
        lease = f"w0-{self.leases}"
        (taken,) = await self.store.write(lease_next_hop(hop, lease, self.now, self.now + 60))
        return taken, lease

    async def settle(self, *outcomes: Outcome) -> bool:
        taken, lease = await self.lease()
        numbers = [each.number for each in taken.recipients]
        return await self.settlement.settle(taken, lease, dict(zip(numbers, outcomes, strict=True)))

    def entries(self, *names: str) -> list[Entry]:
        return self.store.read(list_queue(Selection(names)))

    def reports(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.source == "report"]

    def message(self, entry: Entry) -> EmailMessage:
        stored = self.store.read(lambda: read_content(entry.content))
        assert stored is not None
        assert stored.octets is not None
        message = email.message_from_bytes(stored.octets, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message


def at_site(
    directory: Path,
    test: Callable[[Site], Awaitable[None]],
    outgoing: State = State.READY,
) -> None:
    async def main() -> None:
        found(directory).close()
        store = Store(directory)
        reporter = Reporter(store, "mx.a.example", lambda: site.now)
        log = open_log(write=lambda line: site.said.append(line.decode()))
        settlement = Settlement(
            store,
            reporter,
            Schedule(),
            lambda: site.now,
            lambda: 0.0,
            log,
            outgoing=outgoing,
        )
        site = Site(store, settlement)
        try:
            await test(site)
        finally:
            store.close()

    asyncio.run(main())


X = Recipient("x@b.example", "b.example")
Y = Recipient("y@b.example", "b.example")


def test_relayed(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("ann@a.example", X, Y)
        assert await site.settle(Relayed("mx.b.example", "250 ok"), Relayed())
        assert site.entries() == []
        assert "relayed" in site.said[0]
        assert "x@b.example" in site.said[0]

    at_site(tmp_path, test)


@pytest.mark.parametrize("since", [5 * HOUR, 6 * DAY])
def test_attack_64_nothing_is_too_late_by_a_clock_that_has_jumped(
    tmp_path: Path, since: int
) -> None:
    """Not the first try after the jump ends a letter, nor is its sender warned."""

    async def test(site: Site) -> None:
        await site.take_in("ann@a.example", X)
        site.now += since
        site.settlement.in_doubt = lambda: True
        assert await site.settle(LATER)
        (waiting,) = site.entries()
        assert (waiting.state, waiting.due) == ("deferred", site.now + 300)
        assert not waiting.warned
        site.now = waiting.due
        site.settlement.in_doubt = lambda: False
        assert await site.settle(LATER)
        assert len(site.reports()) == 1

    at_site(tmp_path, test)


def test_a_failure_is_reported_to_an_account_of_this_site(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("ann@a.example", X, Y)
        assert await site.settle(NEVER, LATER)
        waiting, report = site.entries()
        assert (waiting.forward_path, waiting.state, waiting.tries) == (
            "y@b.example",
            "deferred",
            1,
        )
        assert waiting.due == NOON + 300
        assert (waiting.remote, waiting.reply) == ("mx.b.example", "450 4.2.0 later")
        assert (report.reverse_path, report.forward_path) == ("", "ann@a.example")
        assert report.account
        assert report.state == "ready"
        message = site.message(report)
        assert "x@b.example" in message.as_string()
        assert "y@b.example" not in message.as_string()
        assert message["Auto-Submitted"] == "auto-replied"

    at_site(tmp_path, test)


def test_a_report_to_another_site(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("far@z.example", X)
        assert await site.settle(NEVER)
        (report,) = site.entries()
        assert (report.next_hop, report.account) == ("z.example", 0)

    at_site(tmp_path, test)


def test_reports_and_copies_for_other_sites_are_held_where_all_letters_are(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("far@z.example", X, Y)
        ann = Recipient("ann@a.example", "a.example", 1)
        assert await site.settle(NEVER, Expanded((ann, Recipient("z@c.example", "c.example"))))
        states = {entry.forward_path: entry.state for entry in site.entries()}
        assert states == {
            "far@z.example": "held",
            "ann@a.example": "ready",
            "z@c.example": "held",
        }

    at_site(tmp_path, test, State.HELD)


def test_attack_48_never_a_report_about_a_report(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("", X)
        assert await site.settle(NEVER)
        assert site.entries() == []
        assert any("nobody told" in line for line in site.said)

    at_site(tmp_path, test)


def test_nobody_to_tell_at_this_site(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("gone@a.example", X)
        assert await site.settle(NEVER)
        assert site.entries() == []

    at_site(tmp_path, test)


def test_one_warning_then_the_end(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("ann@a.example", X)
        for wait in (0, 4 * HOUR, 8 * HOUR, DAY):
            site.now = NOON + wait
            assert await site.settle(LATER)
        (warning,) = site.reports()
        message = site.message(warning)
        assert message["Subject"] == "Delayed: Hello"
        assert "Will-Retry-Until: Wed, 20 Jan 2027 08:00:00 +0000" in message.as_string()
        site.now = NOON + 5 * DAY
        assert await site.settle(LATER)
        _, failure = site.reports()
        text = " ".join(site.message(failure).as_string().split())
        assert "Given up after 5 days" in text
        assert "Status: 4.2.0" in text
        assert site.entries("L1") == []

    at_site(tmp_path, test)


def test_who_lost_the_lease_does_nothing(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("ann@a.example", X)
        taken, lease = await site.lease()
        site.now += 61
        again, second = await site.lease()
        assert again.message == taken.message
        assert not await site.settlement.settle(taken, lease, {0: NEVER})
        assert not await site.settlement.settle(taken, lease, {0: Relayed()})
        assert site.reports() == []
        assert await site.settlement.settle(again, second, {0: Relayed()})
        assert not await site.settlement.settle(again, second, {0: NEVER})
        assert site.entries() == []

    at_site(tmp_path, test)


def test_a_number_is_never_used_again(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("ann@a.example", X)
        taken, _ = await site.lease()
        assert await site.settlement.settle(taken, "w0-1", {0: Relayed()})
        await site.take_in("ann@a.example", X)
        (entry,) = site.entries()
        assert entry.message > taken.message

    at_site(tmp_path, test)


def test_who_stands_behind_an_alias_is_not_told(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        secret = Recipient("secret@b.example", "b.example", original="list@a.example")
        other = Recipient("other@b.example", "b.example", original="list@a.example")
        await site.take_in("ann@a.example", secret, other)
        assert await site.settle(NEVER, NEVER)
        (report,) = site.reports()
        text = site.message(report).as_string()
        assert text.count("Final-Recipient: rfc822; list@a.example") == 1
        assert "secret" not in text

    at_site(tmp_path, test)


def test_an_expansion_keeps_the_content_until_its_copy_is_settled(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("ann@a.example", X)
        assert await site.settle(Expanded((Y, Recipient("z@c.example", "c.example"))))
        first, second = site.entries()
        assert (first.forward_path, second.forward_path) == ("y@b.example", "z@c.example")
        assert first.received == NOON
        stored = site.store.read(lambda: read_content(first.content))
        assert stored is not None
        taken, lease = await site.lease("c.example")
        assert await site.settlement.settle(taken, lease, {1: Relayed()})
        assert await site.settle(Relayed())
        assert site.entries() == []

    at_site(tmp_path, test)


def test_of_a_large_letter_the_header_is_returned(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        await site.take_in("ann@a.example", X, text=b"x" * 70 * 1000)
        assert await site.settle(NEVER)
        (report,) = site.reports()
        assert report.size < WHOLE
        *_, part = site.message(report).iter_parts()
        assert part.get_content_type() == "text/rfc822-headers"

    at_site(tmp_path, test)


def test_a_letter_that_was_damaged_ends_all_the_same(tmp_path: Path) -> None:
    """Its sender hears of it, without what can no longer be read."""

    def damage() -> Work[None]:
        yield from run("UPDATE content_octets SET body = x'00'")

    async def test(site: Site) -> None:
        await site.take_in("ann@a.example", X)
        await site.store.write(damage)
        assert await site.settle(NEVER)
        (report,) = site.entries()
        assert "x@b.example" in site.message(report).as_string()

    at_site(tmp_path, test)
