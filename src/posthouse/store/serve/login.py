"""Who is at a door of the store, as the accounts know them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from posthouse.protocols.sasl.mechanism import Denied, Password


class Login(Protocol):
    """An account that has proved who it is."""

    @property
    def account(self) -> int: ...

    @property
    def address(self) -> str: ...


class Authenticator(Protocol):
    """Checks a name and a password."""

    def check(self, question: Password) -> Awaitable[Login | Denied]: ...
