"""The sockets that services listen on, made before the workers are.

Each worker has a socket of its own on every address (SO_REUSEPORT), among which the kernel divides
the connections. The parent keeps all of them open, so that what waits on the socket of a worker
that died is there for the next one.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BACKLOG = 1024
UNSENT = 128 * 1024  # octets that the system takes beyond those that are on their way to a peer
PATIENCE = 1.0  # seconds for workers of a server that was killed to let go of their ports


class CannotListen(Exception):
    """An address cannot be listened on; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that a service listens on, with the port that was taken."""

    service: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Listeners:
    """All sockets: for each endpoint one of each worker."""

    sockets: dict[Endpoint, list[socket.socket]]

    def of_worker(self, index: int) -> dict[str, list[socket.socket]]:
        """The sockets of one worker, by service."""
        mine: dict[str, list[socket.socket]] = {}
        for endpoint, sockets in self.sockets.items():
            mine.setdefault(endpoint.service, []).append(sockets[index])
        return mine

    def close(self) -> None:
        for sockets in self.sockets.values():
            for one in sockets:
                one.close()


def listen(services: Mapping[str, Sequence[str]], workers: int) -> Listeners:
    """Listen on every address of every service. Raises CannotListen, leaving nothing open."""
    made = Listeners({})
    try:
        for service, addresses in services.items():
            for address in addresses:
                for family, host, port in _resolve(service, address):
                    endpoint, sockets = _bind(service, family, host, port, workers)
                    made.sockets[endpoint] = sockets
    except BaseException:
        made.close()
        raise
    return made


def _resolve(service: str, address: str) -> list[tuple[socket.AddressFamily, str, int]]:
    """`host:port`, `[IPv6]:port`; `*:port` is every address of both families."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if host == "*":
        return [(socket.AF_INET, "0.0.0.0", int(port)), (socket.AF_INET6, "::", int(port))]  # noqa: S104
    try:
        found = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:  # UnicodeError: no name can look like that
        reason = getattr(error, "strerror", None) or error
        raise CannotListen(f"listen.{service} {address}: {reason}") from None
    places = [(family, str(where[0]), int(where[1])) for family, _, _, _, where in found]
    return list(dict.fromkeys(places))


def _bind(
    service: str, family: socket.AddressFamily, host: str, port: int, workers: int
) -> tuple[Endpoint, list[socket.socket]]:
    sockets: list[socket.socket] = []
    try:
        port = _try(family, host, port)
        for _ in range(workers):
            sockets.append(_open(family, reuse_port=True))
            sockets[-1].bind((host, port))
            sockets[-1].listen(BACKLOG)
            sockets[-1].setblocking(False)
    except OSError as error:
        for one in sockets:
            one.close()
        endpoint = Endpoint(service, host, port)
        raise CannotListen(_explain(endpoint, error)) from None
    return Endpoint(service, host, port), sockets


def _try(family: socket.AddressFamily, host: str, port: int) -> int:
    """The port, when nobody has it: with SO_REUSEPORT, another program's would be shared."""
    end = time.monotonic() + PATIENCE
    while True:
        with _open(family, reuse_port=False) as trial:
            try:
                trial.bind((host, port))
                trial.listen(1)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                    raise
            else:
                taken: int = trial.getsockname()[1]
                return taken
        time.sleep(0.05)


def _open(family: socket.AddressFamily, *, reuse_port: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Connections inherit it. For one whose peer does not read, megabytes would be taken.
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
    if family == socket.AF_INET6:
        with contextlib.suppress(OSError):
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made


def _explain(endpoint: Endpoint, error: OSError) -> str:
    what = f"listen.{endpoint.service} {endpoint}: {error.strerror}"
    if isinstance(error, PermissionError):
        return f"{what}; ports below 1024 need root or CAP_NET_BIND_SERVICE"
    return f"{what}; choose another with --set listen.{endpoint.service}=HOST:PORT"
