"""A small internet on loopback: a name server, Posthouse sites and scripted hosts.

All mail exchangers listen on one port, each on an address of its own in 127.0.0.0/8. A site
believes the name server of the net alone.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.system.nameserver import NameServer
from tests.system.peer import Peer
from tests.system.server import Server
from tests.system.user import SETTINGS, User

QUICK = {
    "queue.first_wait": 1,
    "queue.longest_wait": 2,
    "relay.first_wait": 1,
    "relay.longest_wait": 2,
    "relay.connect": 5,
    "dns.addresses": "ipv4",
}
PATIENCE = 30.0
COMMAND = (sys.executable, "-m", "posthouse")


class Net:
    """Everything that is in it ends with it."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.dns = NameServer()
        self._next = 1
        self._peers: list[Peer] = []
        self._sites: list[Server] = []

    def __enter__(self) -> Self:
        self.dns.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for site in self._sites:
            site.close()
        for peer in self._peers:
            peer.close()
        self.dns.stop()

    def address(self) -> str:
        """One that nobody has."""
        self._next += 1
        return f"127.0.{3 + self._next // 250}.{self._next % 250 + 1}"

    def peer(self, host: str, script: str = "", **more: object) -> Peer:
        """A scripted host, known to the name server."""
        address = self.address()
        self.dns.set(host, "A", address)
        peer = Peer(address, self.port, script, name=host, **more)  # type: ignore[arg-type]
        return self.add(peer)

    def add(self, peer: Peer) -> Peer:
        """A host that was made elsewhere."""
        self._peers.append(peer)
        return peer

    def site(
        self,
        domain: str,
        settings: Mapping[str, object] | None = None,
        workers: int = 1,
        data: Path | None = None,
        command: tuple[str, ...] = COMMAND,
        environment: Mapping[str, str] | None = None,
    ) -> Server:
        """A Posthouse that is the mail exchanger of its domain, with the account ann."""
        address, host = self.address(), f"mx.{domain}"
        self.dns.load(f"{domain} MX 10 {host}\n{host} A {address}")
        own = {
            "hostname": host,
            "listen.smtp": f"{address}:{self.port}",
            "relay.port": self.port,
            "dns.servers": self.dns.setting,
        }
        settings = SETTINGS | QUICK | own | dict(settings or {})
        site = Server(
            workers=workers,
            settings=settings,
            data=data,
            command=command,
            environment=environment,
        )
        self._sites.append(site)
        site.start()
        site.add_account(f"ann@{domain}")
        return site


def ann(site: Server, domain: str) -> User:
    return User(site, f"ann@{domain}")


def until(true: Callable[[], object], what: Callable[[], str], patience: float = PATIENCE) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)
