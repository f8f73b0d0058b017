"""Which name servers are asked, and in which order."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from pathlib import Path

from .exchange import Server

PORT = 53
RESOLV_CONF = Path("/etc/resolv.conf")
AVOIDED = 30.0  # seconds for which a server that did not answer is asked after the others
MOST = 8


def parse_server(text: str) -> Server:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`. Raises ValueError."""
    host, port = text, str(PORT)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    ipaddress.ip_address(host.partition("%")[0])
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{port!r} is not a port")
    return host, int(port)


def servers_of_system(path: Path = RESOLV_CONF) -> list[Server]:
    """The name servers of /etc/resolv.conf; without any, one on this machine (resolv.conf(5))."""
    found: list[Server] = []
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            ipaddress.ip_address(words[1].partition("%")[0])
        except ValueError:
            continue
        found.append((words[1], PORT))
    return found[:MOST] or [("127.0.0.1", PORT)]


class Servers:
    """Name servers in the order in which they are asked: those that answer first."""

    def __init__(self, servers: Sequence[Server], monotonic: Callable[[], float]) -> None:
        self._servers = servers
        self._monotonic = monotonic
        self._silent: dict[Server, float] = {}  # until when it is avoided

    def order(self) -> list[Server]:
        if not self._silent:
            return list(self._servers)
        now = self._monotonic()
        return sorted(self._servers, key=lambda server: self._silent.get(server, now) > now)

    def silent(self, server: Server) -> None:
        """It did not answer."""
        self._silent[server] = self._monotonic() + AVOIDED

    def answered(self, server: Server) -> None:
        self._silent.pop(server, None)
