"""Who is at a door of the store, as the accounts know them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from posthouse.protocols.dialogue import Reason
from posthouse.protocols.sasl.mechanism import (
    LOOKUPS,
    PROOFS,
    Accepted,
    Bearer,
    Certificate,
    Claim,
    Denied,
    Lookup,
    Mechanism,
    Outcome,
    Password,
    Proof,
)

#: All that a log-in may ask.
QUESTIONS = (*PROOFS, *LOOKUPS)


class ShutOut(Exception):
    """The log-in does not hold any more: nothing is answered."""

    temporary = True  # no fault of the program's


class Log(Protocol):
    """One line an event."""

    def info(self, event: str, **fields: object) -> object: ...


class Login(Protocol):
    """An account that has proved who it is."""

    @property
    def account(self) -> int: ...

    @property
    def address(self) -> str: ...


class Authenticator(Protocol):
    """Checks what clients show for themselves."""

    def offers(self, service: str) -> Mapping[str, Mechanism]:
        """The mechanisms of a service: smtp, imap, pop3."""

    def offers_apop(self) -> bool: ...

    def check(self, question: Proof, service: str, peer: str) -> Awaitable[Login | Denied]: ...

    def tell(self, question: Lookup) -> object: ...

    def enter(self, guest: Door, login: Any) -> None:
        """A session has logged in; it is shut out when the log-in holds no more."""

    def leave(self, guest: Door, login: Any) -> None: ...


class Door:
    """The log-in of one connection; `scope` is what app passwords are for.

    `notify` leaves a notice with the engine.
    """

    __slots__ = (
        "__weakref__",
        "_authenticator",
        "_log",
        "_notify",
        "_peer",
        "_scope",
        "_service",
        "login",
        "shut",
    )

    def __init__(
        self,
        authenticator: Authenticator,
        scope: str,
        service: str,
        peer: str,
        log: Log,
        notify: Callable[[object], None],
    ) -> None:
        self._authenticator = authenticator
        self._scope = scope
        self._service = service
        self._peer = peer
        self._log = log
        self._notify = notify
        self.login: Login | None = None
        self.shut = False  # the log-in holds no more

    def ask(self, question: object) -> object:
        """The answer to one of `QUESTIONS`, or an awaitable of it."""
        if isinstance(question, PROOFS):
            return self._check(question)
        assert isinstance(question, LOOKUPS), f"not a question of a log-in: {question!r}"
        return self._authenticator.tell(question)

    async def _check(self, question: Proof) -> Outcome:
        found = await self._authenticator.check(question, self._scope, self._peer)
        fields = {"service": self._service, "peer": self._peer, "by": _by(question)}
        if isinstance(found, Denied):
            self._log.info("login denied", user=_user(question), reason=found.why.value, **fields)
            return found
        self._log.info("login", user=found.address, **fields)
        self.leave()
        self.login = found
        self._authenticator.enter(self, found)
        return Accepted(found.address)

    def shut_out(self) -> None:
        """End the session as soon as the protocol lets it."""
        if not self.shut and self.login is not None:
            self.shut = True
            user, service = self.login.address, self._service
            self._log.info("shut out", user=user, service=service, peer=self._peer)
            self._notify(Reason.SHUT_OUT)

    def require_in(self) -> None:
        """Raises ShutOut, also in the middle of a long command."""
        if self.shut:
            raise ShutOut("the log-in does not hold any more")

    def leave(self) -> None:
        """Nobody is logged in any more."""
        login, self.login = self.login, None
        if login is not None:
            self._authenticator.leave(self, login)


def _by(question: Proof) -> str:
    if isinstance(question, Claim | Bearer):
        return question.mechanism
    return type(question).__name__.lower()


def _user(question: Proof) -> str:
    match question:
        case Password(user) | Claim(_, user):
            return user
        case Bearer(_, _, identity):
            return identity
        case Certificate(addresses):
            return addresses[0] if addresses else ""
    return ""
