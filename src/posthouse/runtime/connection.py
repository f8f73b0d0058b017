"""Joins an engine to a connection and an agent; the one driver of all protocols.

Octets go to the engine as they come and are read when its dialogue wants them. The agent is asked
one question at a time; while it thinks, or while the peer does not take what is sent, nothing more
is read than one buffer holds. A peer that goes away ends the dialogue and the agent's work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from posthouse.protocols.dialogue import Failed, Reason, StartTLS, Unavailable
from posthouse.protocols.engine import FLUSH, Engine

from .census import Census
from .decrypted import Decrypted
from .later import Later
from .service import Agent, Peer, Service, network_of
from .tls import describe_tls

INPUT_HIGH_WATER = 256 * 1024  # octets received and not read, from which the peer is held up
OUTPUT_HIGH_WATER = 64 * 1024  # octets the kernel has not taken, from which the dialogue waits
TURN = 0.01  # seconds a connection may keep the loop before the others have their turn
UNREAD = 300.0  # seconds a peer may leave waiting what it is sent
LINGER = 2.0  # seconds for the peer to read a last word before the connection is torn down


class Connection(asyncio.Protocol):
    """One connection of a service."""

    __slots__ = (
        "__weakref__",
        "_address",
        "_admitted",
        "_agent",
        "_allowances",
        "_allowed_until",
        "_census",
        "_deadline",
        "_early",
        "_ended",
        "_engine",
        "_held_up",
        "_loop",
        "_made",
        "_network",
        "_pumping",
        "_service",
        "_thinking",
        "_timer",
        "_transport",
        "_unread",
        "_upgrading",
        "_waited_for",
    )
    _engine: Engine
    _agent: Agent
    _transport: asyncio.Transport

    def __init__(
        self, service: Service, census: Census, made: Callable[[], None] | None = None
    ) -> None:
        """`made` is called when it is connected, just before it is counted."""
        self._made = made
        self._service = service
        self._census = census
        self._loop = asyncio.get_running_loop()
        self._address = ""
        self._network = ""
        self._admitted = False  # counted, and not yet lost
        self._thinking: asyncio.Future[object] | Later[object] | None = None
        self._upgrading = False
        self._early: list[bytes] | None = None  # decrypted before start_tls has returned
        self._unread = False  # the peer does not take what is sent
        self._held_up = False  # reading is paused
        self._pumping = False
        self._ended = False  # input has ended, or the dialogue
        self._waited_for: object = None
        self._allowances = 0
        self._allowed_until: float | None = None
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername") or ("", 0)
        local = transport.get_extra_info("sockname") or ("", 0)
        self._address = str(name[0])
        self._network = network_of(self._address)
        if self._made is not None:
            self._made()
            self._made = None  # it knows of the handshake, which is over
        service = self._service
        if not service.tls_from_start and not service.welcome(self._address):
            self._transport.write(service.too_often)
            self._transport.close()
            return
        self._admitted = self._census.admit(self, self._network)
        if not self._admitted:
            self._transport.write(service.overloaded)
            self._transport.close()
            return
        self._transport.set_write_buffer_limits(OUTPUT_HIGH_WATER)
        peer = Peer(
            self._address, int(name[1]), str(local[0]), int(local[1]), describe_tls(transport)
        )
        try:
            self._engine, self._agent = self._service.begin(peer, self._notify)
        except Exception as error:  # noqa: BLE001  what it needs may be missing for a while
            self._cannot_begin(error)
            return
        self._pump()

    def _cannot_begin(self, error: Exception) -> None:
        self._census.log.error(
            "cannot serve", service=self._service.name, peer=self._address, error=str(error)
        )
        self._admitted = False
        self._census.forget(self, self._network)
        self._transport.write(self._service.apology)
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._early is not None:
            self._early.append(data)
            return
        if not self._admitted or self._ended:
            return
        engine = self._engine
        engine.receive(data)
        self._pump()
        if engine.buffered > INPUT_HIGH_WATER and (self._unread or engine.within is None):
            self._hold_up(True)

    def eof_received(self) -> bool:
        """The peer says no more; what it asked for is still answered."""
        if not self._admitted or self._upgrading or self._ended:
            return False
        self._ended = True
        self._pump()
        # TLS cannot be closed on one side alone.
        return not self._transport.is_closing() and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        self._unread = True
        self._set_deadline(UNREAD)

    def resume_writing(self) -> None:
        self._unread = False
        self._waited_for = None
        if not self._pumping:
            self._pump()

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._deadline = None
        if not self._admitted:
            return
        self._admitted = False
        self._census.forget(self, self._network)
        self._engine.close()
        if self._thinking is not None:
            self._thinking.cancel()
        self._agent.closed()

    # What the server does

    @property
    def held(self) -> int:
        """Octets that are kept in memory for it; an agent may say what it keeps itself."""
        if not self._admitted:
            return 0
        octets = self._engine.buffered + self._transport.get_write_buffer_size()
        return octets + int(getattr(self._agent, "held", 0))

    def finish(self) -> None:
        """End with the next wait between two commands."""
        if self._admitted:
            self._engine.finish()
            self._pump()

    def abort(self) -> None:
        self._transport.abort()

    def _notify(self, notice: object) -> None:
        if not self._admitted:
            return
        self._engine.notify(notice)
        if self._thinking is None and not self._pumping:
            self._pump()

    # The work

    def _pump(self) -> None:
        """Go on until the peer, or the agent, is waited for."""
        if self._pumping or self._upgrading or self._thinking is not None or not self._admitted:
            return
        self._pumping = True
        try:
            self._turn()
        except Exception:  # whatever is broken, only this connection pays for it
            self._census.log.error(
                "connection broken", service=self._service.name, peer=self._address, exc_info=True
            )
            self._transport.write(self._service.apology)
            self._transport.close()
            self._ended = True
            self._set_deadline(LINGER)
        finally:
            self._pumping = False

    def _turn(self) -> None:
        engine, agent, next_event = self._engine, self._agent, self._engine.next_event
        until = self._loop.time() + TURN
        while not self._unread:
            event = next_event()
            if event is None:
                self._write()
                self._wait()
                return
            if event is FLUSH:
                self._write()
                if self._loop.time() > until:
                    self._loop.call_soon(self._pump)
                    return
            elif not engine.asked:
                agent.show(event)
            elif type(event) is StartTLS:
                self._upgrade()
                return
            elif not self._ask(event):
                return
            elif self._loop.time() > until:  # a search through many messages: others wait too
                self._write()
                self._loop.call_soon(self._pump)
                return

    def _ask(self, question: object) -> bool:
        """Ask the agent. False if it has to think first."""
        try:
            answer = self._agent.ask(question)
        except Exception as error:  # noqa: BLE001  the dialogue says that it failed
            self._agent_failed(question, error)
            return True
        if type(answer) is Later:
            self._think(answer)
            answer.then(self._answered)
            return self._thinking is None  # it was there already
        if hasattr(answer, "__await__"):
            future = asyncio.ensure_future(cast("Awaitable[object]", answer))
            self._think(future)
            future.add_done_callback(self._done)
            return False
        self._engine.answer(answer)
        return True

    def _think(self, answer: asyncio.Future[object] | Later[object]) -> None:
        self._thinking = answer
        self._deadline = None
        self._write()  # which may set one, when the peer does not take it
        if self._engine.buffered > INPUT_HIGH_WATER:
            self._hold_up(True)

    def _done(self, future: asyncio.Future[object]) -> None:
        if future.cancelled():
            self._thinking = None
        elif error := future.exception():
            self._answered(None, error)
        else:
            self._answered(future.result(), None)

    def _answered(self, answer: object, error: BaseException | None) -> None:
        self._thinking = None
        if not self._admitted:
            return
        if error is None:
            self._engine.answer(answer)
        else:
            self._agent_failed(None, error)
        self._pump()

    def _agent_failed(self, question: object, error: BaseException) -> None:
        if isinstance(error, OSError) or getattr(error, "temporary", False):
            # A disk that is full or fails is no fault of this program.
            self._census.log.warning(
                "not at hand",
                service=self._service.name,
                peer=self._address,
                reason=str(error) or type(error).__name__,
            )
            self._engine.fail(Unavailable(str(error)))
            return
        self._census.log.error(
            "agent failed",
            service=self._service.name,
            peer=self._address,
            question=type(question).__name__,
            error=str(error) or type(error).__name__,
            exc_info=error,
        )
        self._engine.fail(error if isinstance(error, Failed) else Failed(str(error)))

    def _write(self) -> None:
        if octets := self._engine.send():
            self._transport.write(octets)

    def _hold_up(self, held_up: bool) -> None:
        if held_up == self._held_up or self._transport.is_closing():
            return
        self._held_up = held_up
        if held_up:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _wait(self) -> None:
        """The engine wants more from the peer, or has ended."""
        engine = self._engine
        step = engine.step
        if step is None:
            self._end()
            return
        if self._ended:
            self._transport.close()
            self._set_deadline(UNREAD)
            return
        if self._held_up:
            self._hold_up(False)
        if engine.allowances != self._allowances:
            self._allowances = engine.allowances
            allowed = engine.allowance
            self._allowed_until = None if allowed is None else self._loop.time() + allowed
            self._waited_for = None
        if step is not self._waited_for:
            self._waited_for = step
            self._set_deadline(engine.within)

    def _end(self) -> None:
        """Say the last word, and leave the peer the time to read it."""
        self._ended = True
        transport = self._transport
        if transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
            self._allowed_until = None
            self._set_deadline(LINGER)
        else:
            transport.close()

    # Time

    def _set_deadline(self, within: float | None) -> None:
        deadline = None if within is None else self._loop.time() + within
        if self._allowed_until is not None:
            deadline = min(deadline or self._allowed_until, self._allowed_until)
        self._deadline = deadline
        if deadline is not None and (self._timer is None or self._timer.when() > deadline + 1):
            self._arm(deadline)

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._time)

    def _time(self) -> None:
        """The timer is armed seldom: most deadlines have moved on when it fires."""
        self._timer = None
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._arm(self._deadline)
        elif self._unread or self._ended or self._upgrading:
            self._transport.abort()
        else:
            self._engine.interrupt(Reason.TIMEOUT)
            self._pump()

    # Encryption

    def _upgrade(self) -> None:
        """Shake hands. Nothing is sent or read by the engine until it is done."""
        self._write()
        self._upgrading, self._early = True, []
        self._deadline = None
        self._transport.pause_reading()
        task = self._loop.create_task(self._start_tls())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _start_tls(self) -> None:
        try:
            transport = await self._handshake()
        except Exception as error:  # noqa: BLE001  of a name that cannot be one, too
            self._handshake_failed(error)
            return
        if transport is None or transport.is_closing() or not self._admitted:  # it has gone
            self.connection_lost(None)
            return
        self._transport = transport
        self._transport.set_write_buffer_limits(OUTPUT_HIGH_WATER)
        self._held_up = False
        self._upgrading = False
        tls = describe_tls(transport)
        assert tls is not None
        self._engine.answer(tls)
        early, self._early = self._early, None
        for octets in early or ():
            self._engine.receive(octets)
        self._pump()

    async def _handshake(self) -> asyncio.Transport | None:
        assert self._service.tls is not None, "STARTTLS was offered without a certificate"
        return await self._loop.start_tls(
            self._transport,
            Decrypted(self, self._census.block),
            self._service.tls,
            server_side=True,
            ssl_handshake_timeout=self._census.limits.handshake,
        )

    def _handshake_failed(self, error: Exception) -> None:
        self._census.log.info(
            "handshake failed",
            service=self._service.name,
            peer=self._address,
            error=str(error),
        )
        self._transport.abort()
        # The transport has another protocol by now, and may not tell this one.
        self.connection_lost(error)
