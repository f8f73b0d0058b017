"""From a route to a connection: its addresses in order, until one takes letters (RFC 5321 §5.1)."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from posthouse.mta.queue.outcome import Trouble
from posthouse.mta.route.hop import NextHop, Route, TLSPolicy, Transport
from posthouse.protocols.engine import Engine
from posthouse.protocols.sasl.mechanism import Credentials
from posthouse.protocols.smtp.client.client import connect as converse
from posthouse.protocols.smtp.client.events import Fate, Unusable
from posthouse.protocols.smtp.client.session import Session, Times
from posthouse.protocols.smtp.client.session import Settings as SessionSettings
from posthouse.protocols.smtp.client.session import TLSPolicy as SessionTLS
from posthouse.runtime.census import Census
from posthouse.runtime.outgoing import Destination, client_context, connect
from posthouse.runtime.service import Agent, Notify, Peer, Service

from .carrier import Carrier, Supply, Target
from .connections import Share
from .content import Open
from .health import Addresses
from .judging import trouble_of, unreachable

MOST = 10  # addresses that are tried, one after another

#: Letters wait though this is refused for good: a log-in is for people of this side to mend; and
#: where encryption is asked for, who sits in between could have all letters returned.
WAITS = ("AUTH", "STARTTLS")


@dataclass(frozen=True, slots=True)
class Closed:
    """Why an address takes no letters."""

    trouble: Trouble
    permanent: bool = False


@dataclass(slots=True)
class Contexts:
    """For TLS with others; each is made when it is first needed."""

    authorities: str = ""
    _made: dict[bool, ssl.SSLContext] = field(default_factory=dict)

    def of(self, policy: TLSPolicy) -> ssl.SSLContext | None:
        if policy is TLSPolicy.NONE:
            return None
        verify = policy is TLSPolicy.VERIFY
        if verify not in self._made:
            self._made[verify] = client_context(verify, self.authorities)
        return self._made[verify]


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants a connection, to any of some addresses."""

    supply: Supply
    share: Share
    addresses: frozenset[str]


def new_nonce() -> str:
    """For a log-in (RFC 5802 §5.1)."""
    return secrets.token_urlsafe(18)


def targets_of(route: Route) -> list[Target]:
    """All addresses of all hosts, in order."""
    return [Target(hop, address) for hop in route.hops for address in hop.addresses]


@dataclass(frozen=True, slots=True)
class Dialler:
    """One for a worker."""

    hostname: str
    census: Census
    addresses: Addresses
    source: Open
    now: Callable[[], float]
    contexts: Contexts
    within: float = 30.0  # seconds for a connection
    times: Times = field(default_factory=Times)
    nonce: Callable[[], str] = new_nonce

    async def dial(
        self, supply: Supply, targets: Sequence[Target], share: Share
    ) -> Carrier | list[Closed]:
        """A connection that takes letters, or why there is none: something for each address."""
        order = Order(supply, share, frozenset(target.address for target in targets))
        closed: list[Closed] = []
        tried = 0
        for target in targets:
            silent = self.addresses.trouble(target.place, self.now())
            if silent is not None:
                closed.append(Closed(silent))
                continue
            if tried == MOST:
                break
            tried += 1
            found = await self._open(order, target)
            if isinstance(found, Carrier):
                return found
            closed.append(found)
        return closed

    async def _open(self, order: Order, target: Target) -> Carrier | Closed:
        policy = target.hop.tls
        if policy is TLSPolicy.OPPORTUNISTIC and self.addresses.is_plain(target.place, self.now()):
            policy = TLSPolicy.NONE
        found = await self._try(order, target, policy)
        if isinstance(found, Unusable) and found.tls_failed and policy is TLSPolicy.OPPORTUNISTIC:
            # RFC 7435 §3: in the clear is better than not at all, where nobody asked for more.
            self.addresses.tls_failed(target.place, self.now())
            found = await self._try(order, target, TLSPolicy.NONE)
        if not isinstance(found, Unusable):
            return found
        result = found.result
        permanent = result.fate is Fate.REFUSED and result.command not in WAITS
        return Closed(trouble_of(result, target.hop, target.address), permanent)

    async def _try(
        self, order: Order, target: Target, policy: TLSPolicy
    ) -> Carrier | Closed | Unusable:
        """One connection."""
        hop = target.hop
        carrier = Carrier(
            order.supply,
            self._session(hop, policy),
            target,
            self.source,
            order.share,
            order.addresses,
        )

        def begin(_peer: Peer, _notify: Notify) -> tuple[Engine, Agent]:
            return converse(carrier.session), carrier

        service = Service(f"{hop.transport.value} client", begin, self.contexts.of(policy))
        name = "" if hop.host.startswith("[") else hop.host
        destination = Destination(
            target.address, hop.port, name, within=self.within, block=self.times.block
        )
        try:
            connection = await connect(destination, service, self.census)
        except OSError as error:  # TimeoutError and ssl.SSLError are OSErrors
            trouble = unreachable(error, hop, target.address, self.within)
            self.addresses.unreachable(target.place, trouble, self.now())
            return Closed(trouble)
        self.addresses.answered(target.place)
        try:
            unusable = await carrier.opened
        except BaseException:  # cancelled: nobody wants it any more
            connection.abort()
            raise
        return carrier if unusable is None else unusable

    def _session(self, hop: NextHop, policy: TLSPolicy) -> Session:
        credentials = hop.credentials
        return Session(
            SessionSettings(
                self.hostname,
                SessionTLS(policy.value),
                Credentials(credentials.user, credentials.password, nonce=self.nonce())
                if credentials
                else None,
                lmtp=hop.transport is Transport.LMTP,
                times=self.times,
            )
        )


def gravest(closed: Iterable[Closed]) -> Closed:
    """Of all addresses the one whose trouble says most: what a host said before silence."""
    each = list(closed)
    if not all(one.permanent for one in each):
        each = [one for one in each if not one.permanent]
    return next((one for one in each if one.trouble.reply), each[0])
