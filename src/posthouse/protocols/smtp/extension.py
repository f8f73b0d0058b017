"""What an SMTP service extension is.

The fields of `Extension` are the registration form of RFC 5321 §2.2.2, in its order, so
that an extension's file can be checked against its RFC item by item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..dialogue import Dialogue
from .client.events import Letter
from .events import Mail
from .parameter import Parameter
from .session import Service, Session

Verb = Callable[[Session, str], Dialogue[None]]

EVERYWHERE = frozenset(Service)


def no_argument(_: Session) -> str | None:
    """The keyword stands alone in the EHLO reply."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One service extension: all that server and client know of it is here."""

    name: str
    rfc: int
    keyword: str
    argument: Callable[[Session], str | None] = no_argument  # None: not offered now
    verbs: Mapping[str, Verb] = field(default_factory=dict)
    mail: tuple[Parameter[Any], ...] = ()
    rcpt: tuple[Parameter[Any], ...] = ()
    check_mail: Callable[[Session, Mail], None] | None = None  # raises Refused
    #: Of a client, where the peer offers it: parameters of MAIL. Raises Unfit.
    use_in_mail: Callable[[str, Letter], Mapping[str, str]] | None = None
    growth: Mapping[str, int] = field(default_factory=dict)  # octets, by verb
    services: frozenset[Service] = EVERYWHERE
