"""What routing asks of the DNS."""

from __future__ import annotations

from typing import Protocol

from posthouse.runtime.dns.answers import Answer, MailExchanger


class Resolver(Protocol):
    """Both raise NoSuchDomain, NoData and Temporary, and no other."""

    async def mx(self, name: str) -> Answer[MailExchanger]: ...

    async def addresses(self, name: str) -> Answer[str]: ...
