"""What a service speaks: SMTP with the extensions that are offered on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .events import Mail
from .extension import Extension, Verb
from .extensions import EXTENSIONS
from .parameter import Parameter
from .session import Service, Session

COMMAND_LIMIT = 510  # octets without CRLF (RFC 5321 §4.5.3.1.4)


@dataclass(frozen=True, slots=True)
class Dialect:
    extensions: tuple[Extension, ...]
    verbs: Mapping[str, Verb]  # that extensions add
    mail: Mapping[str, Parameter[Any]]
    rcpt: Mapping[str, Parameter[Any]]
    check_mail: tuple[Callable[[Session, Mail], None], ...]
    limits: Mapping[str, int]  # octets of the verbs that may be longer than COMMAND_LIMIT
    longest: int


def _dialect(service: Service) -> Dialect:
    offered = tuple(e for e in EXTENSIONS if service in e.services)
    limits: dict[str, int] = {}
    for extension in offered:
        for verb, octets in extension.growth.items():
            limits[verb] = limits.get(verb, COMMAND_LIMIT) + octets
    return Dialect(
        extensions=offered,
        verbs={word: verb for e in offered for word, verb in e.verbs.items()},
        mail={parameter.keyword: parameter for e in offered for parameter in e.mail},
        rcpt={parameter.keyword: parameter for e in offered for parameter in e.rcpt},
        check_mail=tuple(e.check_mail for e in offered if e.check_mail),
        limits=limits,
        longest=max(COMMAND_LIMIT, *limits.values()),
    )


DIALECTS: Mapping[Service, Dialect] = {service: _dialect(service) for service in Service}
