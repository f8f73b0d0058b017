"""A name server for tests, on loopback, in a thread of the test's process: UDP and TCP.

    with NameServer("example.org MX 10 mx.example.org\\nmx.example.org A 127.0.0.2") as dns:
        dns.address                                  # ("127.0.0.1", 41234)
        dns.fault("example.org", Fault.SERVFAIL)     # from now on
        dns.set("example.org", "MX", "10 other.example.org")
        dns.queries                                  # what was asked: (name, type, "udp" | "tcp")

A zone is lines of `name [TTL] type data`; `;` begins a comment. It answers like a recursive server:
aliases are followed as far as its zone goes. What is not there is NXDOMAIN, with an SOA whose
minimum is `negative_ttl`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from enum import Enum, auto
from types import TracebackType
from typing import Any, Self, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL = 300
ALIASES = 16


class Fault(Enum):
    """What a name server may do wrong."""

    SERVFAIL = auto()
    REFUSED = auto()
    FORMERR = auto()  # to queries with EDNS alone
    SILENT = auto()
    TRUNCATE = auto()  # an empty answer with TC over UDP; over TCP the right one
    GARBAGE = auto()  # octets that are no DNS message, but for the header and question
    OTHER_QUESTION = auto()  # the right answer to a question that was not asked, then silence
    OTHER_ID = auto()  # lies under many wrong IDs, then the right answer
    CLOSE = auto()  # TC over UDP, and over TCP the connection is closed within the reply
    ENDLESS = auto()  # TC over UDP, and over TCP 64 kB of addresses
    ONE_ALIAS = auto()  # the first alias alone, as a server that does not follow


Asked = tuple[str, str, str]
Send = Callable[[bytes], None]


class NameServer:
    """Serves between `start` and `stop`, or as a context manager."""

    def __init__(self, zone: str = "", host: str = "127.0.0.1", port: int = 0) -> None:
        self.queries: list[Asked] = []
        self.negative_ttl = 60
        self.delay = 0.0  # seconds before each reply
        self.authenticated = False  # whether it says AD
        self._host = host
        self._port = port
        self._records: dict[tuple[str, str], dns.rrset.RRset] = {}
        self._names: set[str] = set()
        self._faults: dict[tuple[str, str], Fault] = {}
        self._server: asyncio.Server | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.load(zone)

    # What it answers

    def load(self, zone: str) -> None:
        """Add the records of a zone's lines."""
        for line in zone.splitlines():
            words = line.partition(";")[0].split(None, 1)
            if not words:
                continue
            name, rest = words
            first, _, others = rest.partition(" ")
            ttl = TTL
            if first.isdecimal():
                ttl, rest = int(first), others.strip()
            kind, _, data = rest.partition(" ")
            self._add(name, kind.upper(), ttl, [data.strip()])

    def set(self, name: str, kind: str, *data: str, ttl: int = TTL) -> None:
        """Replace the records of a name and type; without data, there are none."""
        self._records.pop((_plain(name), kind), None)
        if data:
            self._add(name, kind, ttl, data)

    def remove(self, name: str) -> None:
        """From now on the name does not exist."""
        for key in [key for key in self._records if key[0] == _plain(name)]:
            del self._records[key]
        self._names.discard(_plain(name))

    def fault(self, name: str, fault: Fault | None, kind: str = "*") -> None:
        """What goes wrong for a name (and type), or `*` for all; None: nothing any more."""
        key = (_plain(name), kind)
        if fault is None:
            self._faults.pop(key, None)
        else:
            self._faults[key] = fault

    def asked(self, name: str, kind: str) -> int:
        """How often this was asked."""
        return sum(query[:2] == (_plain(name), kind) for query in list(self.queries))

    def _add(self, name: str, kind: str, ttl: int, data: Iterable[str]) -> None:
        plain = _plain(name)
        new = dns.rrset.from_text_list(
            f"{plain}.", ttl, "IN", kind, list(data), origin=dns.name.root, relativize=False
        )
        found = self._records.setdefault((plain, kind), new)
        if found is not new:
            for each in new:
                found.add(each, ttl)
        while plain:
            self._names.add(plain)
            plain = plain.partition(".")[2]

    # Serving

    @property
    def address(self) -> tuple[str, int]:
        return self._host, self._port

    @property
    def setting(self) -> str:
        """For `dns.servers`."""
        return f"{self._host}:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        udp, tcp = self._bind()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nameserver")
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(udp, tcp), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _bind(self) -> tuple[socket.socket, socket.socket]:
        """The same port for both; another process may have one of a pair that was free."""
        for _ in range(50):
            tcp = socket.socket()
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((self._host, self._port))
            port = tcp.getsockname()[1]
            udp = socket.socket(type=socket.SOCK_DGRAM)
            try:
                udp.bind((self._host, port))
            except OSError:
                udp.close()
                tcp.close()
                continue
            tcp.listen()
            self._port = port
            return udp, tcp
        raise RuntimeError("no port that is free for UDP and TCP")

    async def _open(self, udp: socket.socket, tcp: socket.socket) -> None:
        server = self

        class Datagrams(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
                transport = server._transport
                assert transport is not None
                server._receive(data, "udp", lambda reply: transport.sendto(reply, addr))

        transport, _ = await self._loop.create_datagram_endpoint(Datagrams, sock=udp)
        self._transport = transport
        self._server = await asyncio.start_server(self._serve_tcp, sock=tcp)

    async def _close(self) -> None:
        assert self._server is not None
        assert self._transport is not None
        self._server.close()
        self._transport.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                data = await reader.readexactly(length)
                self._receive(data, "tcp", lambda reply: _send_tcp(writer, reply))
                await writer.drain()
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def _receive(self, data: bytes, by: str, send: Send) -> None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return
        question = query.question[0]
        name, kind = _plain(question.name.to_text()), dns.rdatatype.to_text(question.rdtype)
        self.queries.append((name, kind, by))
        if self.delay:
            self._loop.call_later(self.delay, self._reply, query, name, kind, by, send)
        else:
            self._reply(query, name, kind, by, send)

    def _reply(self, query: dns.message.Message, name: str, kind: str, by: str, send: Send) -> None:
        reply = self._answer(query, name, kind)
        fault = self._fault_of(name, kind)
        match fault:
            case None | Fault.ONE_ALIAS:
                send(reply.to_wire(max_size=65535))
            case Fault.SERVFAIL | Fault.REFUSED:
                send(_refusal(query, fault.name))
            case Fault.FORMERR:
                send(_refusal(query, "FORMERR") if query.edns >= 0 else reply.to_wire())
            case Fault.GARBAGE:
                octets = bytearray(reply.to_wire(max_size=65535))
                octets[6:8] = b"\0\x09"
                send(bytes(octets) + b"\xc0\xff" * 20)
            case Fault.OTHER_QUESTION:
                other = dns.message.make_query("other.example", query.question[0].rdtype)
                other.id = query.id
                send(self._answer(other, "other.example", kind).to_wire())
            case Fault.OTHER_ID:
                lie = dns.message.make_response(query)
                for ident in range(query.id + 1, query.id + 300):
                    lie.id = ident % 65536
                    send(lie.to_wire())
                send(reply.to_wire())
            case Fault.TRUNCATE | Fault.CLOSE | Fault.ENDLESS if by == "udp":
                short = dns.message.make_response(query)
                short.flags |= dns.flags.TC
                send(short.to_wire())
            case Fault.TRUNCATE:
                send(reply.to_wire(max_size=65535))
            case Fault.CLOSE:
                send(b"")
            case Fault.ENDLESS:
                send(reply.to_wire()[:40].ljust(65000, b"\0"))

    def _fault_of(self, name: str, kind: str) -> Fault | None:
        for key in ((name, kind), (name, "*"), ("*", kind), ("*", "*")):
            if key in self._faults:
                return self._faults[key]
        return None

    def _answer(self, query: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        reply = dns.message.make_response(query, recursion_available=True)
        if self.authenticated:
            reply.flags |= dns.flags.AD
        for _ in range(ALIASES):
            found = self._records.get((name, kind))
            if found is not None:
                reply.answer.append(found)
                return reply
            alias = self._records.get((name, "CNAME"))
            if alias is None:
                break
            if alias not in reply.answer:
                reply.answer.append(alias)
            name = _plain(alias[0].target.to_text())
            if self._fault_of(name, kind) is Fault.ONE_ALIAS:
                return reply
        else:
            return reply
        if name not in self._names:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        soa = f"ns.invalid. hostmaster.invalid. 1 3600 600 86400 {self.negative_ttl}"
        reply.authority.append(dns.rrset.from_text(".", 86400, "IN", "SOA", soa))
        return reply


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _refusal(query: dns.message.Message, rcode: str) -> bytes:
    reply = dns.message.make_response(query)
    reply.set_rcode(dns.rcode.from_text(rcode))
    return reply.to_wire()


def _send_tcp(writer: asyncio.StreamWriter, reply: bytes) -> None:
    if not reply:
        writer.write(b"\x01\x00half")
        writer.close()
        return
    writer.write(len(reply).to_bytes(2, "big") + reply)
