"""Takes connections that are encrypted from their start: counted before their handshake.

A loop's own server makes a connection known only after the handshake, and who never shakes hands
would be counted by nobody. Who comes too often costs no handshake; without, nothing can be said.
"""

from __future__ import annotations

import asyncio
import socket

from .census import Census
from .connection import Connection
from .decrypted import Decrypted
from .service import Service, network_of

PAUSE = 1.0  # seconds, when there are no descriptors left


class Handshake:
    """A connection that is not encrypted yet."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.held = 0  # the loop keeps what has come

    def finish(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self.task is not None:
            # Not before it has begun, or nothing of it runs, and what it has is never let go.
            asyncio.get_running_loop().call_soon(self.task.cancel)


class TlsServer:
    """A service that is encrypted from its start, on one socket."""

    def __init__(self, service: Service, census: Census, bound: socket.socket) -> None:
        self._service = service
        self._census = census
        self._bound = bound
        self._loop = asyncio.get_running_loop()
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Accept no more."""
        self._accepting.cancel()
        self._accepting.add_done_callback(lambda _: self._bound.close())

    async def _accept(self) -> None:
        while True:
            try:
                accepted, address = await self._loop.sock_accept(self._bound)
            except OSError as error:
                self._census.log.warning(
                    "cannot accept", service=self._service.name, error=str(error)
                )
                await asyncio.sleep(PAUSE)
                continue
            handshake = Handshake()
            network = network_of(str(address[0]))
            welcome = self._service.welcome(str(address[0]))
            if not (welcome and self._census.admit(handshake, network)):
                accepted.close()
                continue
            handshake.task = self._loop.create_task(self._shake_hands(handshake, accepted, network))

    async def _shake_hands(
        self, handshake: Handshake, accepted: socket.socket, network: str
    ) -> None:
        def become() -> Decrypted:
            connection = Connection(
                self._service, self._census, lambda: self._census.forget(handshake, network)
            )
            return Decrypted(connection, self._census.block)

        try:
            await self._loop.connect_accepted_socket(
                become,
                accepted,
                ssl=self._service.tls,
                ssl_handshake_timeout=self._census.limits.handshake,
            )
        except OSError as error:  # ssl.SSLError is one, and TimeoutError
            self._census.log.info(
                "handshake failed", service=self._service.name, peer=network, error=str(error)
            )
        finally:
            self._census.forget(handshake, network)
