"""A stub resolver (RFC 1034 §5.3.1): asks recursive name servers, and remembers.

A failure is temporary unless an answer says otherwise. The same question at the same time is asked
once. Everything is bounded: each query and each look-up in time, queries at once, aliases one
after another, records of an answer, and the cache.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Any, Literal

from .answers import (
    Answer,
    DNSFailure,
    MailExchanger,
    NoData,
    NoSuchDomain,
    Temporary,
    TLSAssociation,
)
from .cache import Cache, Failed, Key, Outcome
from .exchange import Server, exchange
from .servers import Servers
from .wire import Malformed, NotAName, Reading, Unhelpful, compose, read

CACHE_OCTETS = 16 * 1024 * 1024
CACHE_ENTRY = 500  # octets of an entry beside its records
LONGEST = 24 * 3600.0  # seconds that an answer is remembered, whatever its TTL (RFC 8767 §4)
LONGEST_NEGATIVE = 3 * 3600.0  # and that there is none (RFC 2308 §5)
FAILURE = 5.0  # and that it could not be known (RFC 9520 §3.2: 1 second to 5 minutes)
ROUNDS = 2  # times that each name server is asked
ALIASES = 8  # replies that lead on to another name
LOOK_UPS = 20_000  # at once, most of which wait for their turn

_FAMILIES = {"both": ("AAAA", "A"), "ipv4": ("A",), "ipv6": ("AAAA",)}


@dataclass(frozen=True, slots=True)
class Settings:
    """How a resolver asks."""

    query_time: float = 3.0  # seconds for one reply
    look_up_time: float = 20.0  # seconds for all of them
    queries: int = 200  # at once
    entries: int = 20_000  # of the cache
    families: Literal["both", "ipv4", "ipv6"] = "both"


@dataclass(slots=True)
class _LookUp:
    """One look-up as it goes on: what the replies said of time and proof so far."""

    ttl: float = LONGEST
    size: int = CACHE_ENTRY
    authenticated: bool = True


class Resolver:
    """Asks name servers. The questions raise NoSuchDomain, NoData and Temporary, and no other."""

    def __init__(
        self, servers: Sequence[Server], settings: Settings, monotonic: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._servers = Servers(servers, monotonic)
        self._cache = Cache(settings.entries, CACHE_OCTETS, monotonic)
        self._turns = asyncio.Semaphore(settings.queries)
        self._running: dict[Key, asyncio.Task[Outcome]] = {}

    async def mx(self, name: str) -> Answer[MailExchanger]:
        """The mail exchangers, the preferred ones first. A null MX is there as it is."""
        return _answer(await self._outcome(name, "MX"))

    async def txt(self, name: str) -> Answer[bytes]:
        """The texts; the strings of each are joined (RFC 7208 §3.3)."""
        return _answer(await self._outcome(name, "TXT"))

    async def tlsa(self, name: str) -> Answer[TLSAssociation]:
        """What a service's certificate is compared with (RFC 6698)."""
        return _answer(await self._outcome(name, "TLSA"))

    async def addresses(self, name: str) -> Answer[str]:
        """The addresses, of both families by turns: if one family is out of reach, the other
        is tried soon (RFC 8305 §4). One family's failure does not matter where the other has any.
        """
        kinds = _FAMILIES[self._settings.families]
        outcomes = await asyncio.gather(*(self._outcome(name, kind) for kind in kinds))
        found = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
        if not found:
            failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
            raise _gravest(failed)
        turns = chain.from_iterable(zip_longest(*(answer.records for answer in found)))
        return Answer(
            found[0].name,
            tuple(address for address in turns if address is not None),
            min(answer.ttl for answer in found),
            all(answer.authenticated for answer in found),
        )

    async def close(self) -> None:
        """End what is under way; who waits for it is told that it failed."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _outcome(self, name: str, kind: str) -> Outcome:
        key = (name.lower().removesuffix("."), kind)
        cached = self._cache.get(key)
        if cached is not None:
            outcome, left = cached
            return replace(outcome, ttl=left) if isinstance(outcome, Answer) else outcome
        task = self._running.get(key)
        if task is None:
            if len(self._running) >= LOOK_UPS:
                return Failed(Temporary, "too many look-ups at once")
            task = asyncio.create_task(self._look_up(key))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key))
        # One who no longer waits (cancelled) must not end it for the others.
        await asyncio.wait((task,))
        return Failed(Temporary, "the resolver ends") if task.cancelled() else task.result()

    async def _look_up(self, key: Key) -> Outcome:
        state = _LookUp()
        outcome: Outcome
        try:
            async with asyncio.timeout(self._settings.look_up_time):
                outcome = await self._follow(key, state)
        except TimeoutError:
            outcome = Failed(Temporary, f"{key[0]}: no answer from the name servers in time")
        except Temporary as failure:
            outcome = Failed(Temporary, f"{key[0]}: {failure}")
        if isinstance(outcome, Answer):
            longest = LONGEST
        else:
            longest = FAILURE if outcome.kind is Temporary else LONGEST_NEGATIVE
        self._cache.put(key, outcome, min(state.ttl, longest), state.size)
        return outcome

    async def _follow(self, key: Key, state: _LookUp) -> Outcome:
        """Ask, and where the reply names an alias's target alone, ask for that."""
        name, kind = key
        seen = {name}
        while len(seen) <= ALIASES:
            try:
                reading = await self._ask(name, kind, state)
            except NotAName as error:
                return Failed(NoSuchDomain, f"{name[:255]!r} is not a name: {error}")
            state.ttl = min(state.ttl, reading.ttl)
            state.authenticated &= reading.authenticated
            if reading.records:
                return Answer(reading.name, reading.records, state.ttl, state.authenticated)
            if not reading.exists:
                return Failed(NoSuchDomain, f"{reading.name}: no such domain")
            if not reading.leads_on:
                return Failed(NoData, f"{reading.name}: has no {kind} record")
            name = reading.name
            if name in seen:
                raise Temporary("its aliases go in a circle")
            seen.add(name)
        raise Temporary("too many aliases one after another")

    async def _ask(self, name: str, kind: str, state: _LookUp) -> Reading:
        """Ask the name servers in turn until one helps. Raises Temporary, NotAName."""
        why = "no name server"
        unhelpful: set[Server] = set()
        for _ in range(ROUNDS):
            for server in self._servers.order():
                if server in unhelpful:
                    continue
                try:
                    async with self._turns, asyncio.timeout(self._settings.query_time):
                        reading, size = await _query(server, name, kind)
                except Unhelpful as error:
                    why = f"the name server {server[0]} says {error}"
                    unhelpful.add(server)
                except Malformed as error:
                    why = f"the name server {server[0]} makes no sense: {error}"
                except (OSError, EOFError) as error:  # TimeoutError is an OSError
                    why = f"the name server {server[0]} does not answer"
                    why += f": {error}" if str(error) else ""
                    self._servers.silent(server)
                else:
                    self._servers.answered(server)
                    state.size += size
                    return reading
        raise Temporary(why)


async def _query(server: Server, name: str, kind: str) -> tuple[Reading, int]:
    """One query, again without EDNS to a server that does not know it (RFC 6891 §7)."""
    try:
        reply = await exchange(server, compose(name, kind, secrets.randbits(16), edns=True))
        return read(reply, kind), len(reply)
    except Unhelpful as error:
        if not error.dislikes_edns:
            raise
    reply = await exchange(server, compose(name, kind, secrets.randbits(16), edns=False))
    return read(reply, kind), len(reply)


def _answer(outcome: Outcome) -> Answer[Any]:
    if isinstance(outcome, Failed):
        raise outcome.kind(outcome.text)
    return outcome


def _gravest(failed: Sequence[Failed]) -> DNSFailure:
    """Of several failures the one that leaves most open."""
    for kind in (Temporary, NoData, NoSuchDomain):
        for each in failed:
            if each.kind is kind:
                return kind(each.text)
    raise AssertionError("no failure")
