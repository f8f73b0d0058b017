"""Next hops that could not be reached, as all workers know them.

What waits for such a next hop waits with it, and is not touched. The row goes when the next hop has
taken something; it is forgotten when nobody has tried for long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from posthouse.store.unit import Unit, Work, one_of, run

from .outcome import Trouble

FORGET = 24 * 3600  # seconds after which nothing is remembered of one that is not tried


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of a next hop that failed."""

    until: int  # it is not tried before
    failures: int  # one after another
    trouble: Trouble


def remembered(domain: str) -> Unit[Memory | None]:
    """What is known of a domain's next hop; None if it has not failed."""

    def unit() -> Work[Memory | None]:
        row = yield from one_of(
            "SELECT until, failures, reason, status, remote, reply FROM queue_next_hop"
            " WHERE domain = ?1",
            domain,
        )
        return None if row is None else Memory(row[0], row[1], Trouble(*row[2:]))

    return unit


def remember(domains: Iterable[str], memory: Memory, now: int) -> Unit[int]:
    """The next hop of these domains has failed: all that waits for them waits until then.

    What another worker has written, and still holds, is left as it is. Gives how many were written.
    """
    trouble = memory.trouble

    def unit() -> Work[int]:
        written = 0
        for domain in sorted(domains):
            written += yield from run(
                "INSERT INTO queue_next_hop (domain, until, failures, reason, status, remote,"
                " reply) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                " ON CONFLICT (domain) DO UPDATE SET until = ?2, failures = ?3, reason = ?4,"
                " status = ?5, remote = ?6, reply = ?7"
                " WHERE queue_next_hop.until <= ?8",
                domain,
                memory.until,
                memory.failures,
                trouble.reason,
                trouble.status,
                trouble.remote,
                trouble.reply,
                now,
            )
        return written

    return unit


def forget(domains: Iterable[str]) -> Unit[None]:
    """The next hop of these domains has taken something, or is to be tried at once."""

    def unit() -> Work[None]:
        for domain in sorted(domains):
            yield from run("DELETE FROM queue_next_hop WHERE domain = ?1", domain)

    return unit


def forget_old(now: int) -> Unit[int]:
    """What nobody has tried for long."""

    def unit() -> Work[int]:
        return (yield from run("DELETE FROM queue_next_hop WHERE until < ?1", now - FORGET))

    return unit
