"""Every setting once: its type, unit, default and documentation.

One tree of frozen structs, a file for each subject, read from one TOML file (loading.py). A field's
docstring and unit are in its annotation, so that `posthouse config describe`, the error messages
and the reference page all come from here (description.py). Components do not read this: each gets
its own small part in its constructor.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from .limits import Limits, Rates, Timeouts
from .listen import TLS, Listen
from .log_in import LogIn, Passwords, Tokens
from .part import Part, about
from .relay import DNS, Queue, Relay, Route
from .storage import Delivery, Pop3, Storage
from .submission import Content, Submission


class Log(Part, frozen=True):
    """What is told to the operator, one line per event, on standard error."""

    format: Annotated[Literal["text", "json"], about("key=value, or one JSON object a line.")] = (
        "text"
    )
    level: Annotated[
        Literal["debug", "info", "warning", "error"], about("The least that is written.")
    ] = "info"


class Config(Part, frozen=True):
    """All settings. The local domains are in the database: `posthouse domain add`."""

    hostname: Annotated[
        str,
        Meta(
            description="The name of this server in greetings and trace fields."
            " When it is empty, the name that the system gives itself.",
            pattern=r"^[A-Za-z0-9.\-]*$",
            max_length=255,
        ),
    ] = ""
    workers: Annotated[int, Meta(description="Processes that serve connections.", ge=1, le=256)] = 2
    listen: Annotated[Listen, about("Where each service listens.")] = Listen()
    tls: Annotated[TLS, about("The certificate.")] = TLS()
    limits: Annotated[Limits, about("What peers may use.")] = Limits()
    rates: Annotated[Rates, about("How often peers may come.")] = Rates()
    timeouts: Annotated[Timeouts, about("How long peers may take.")] = Timeouts()
    storage: Annotated[Storage, about("Where and how mail is kept.")] = Storage()
    delivery: Annotated[Delivery, about("Delivery into mailboxes.")] = Delivery()
    pop3: Annotated[Pop3, about("What those who read by POP3 may do.")] = Pop3()
    queue: Annotated[Queue, about("How long letters wait.")] = Queue()
    submission: Annotated[Submission, about("Mail of the accounts' own programs.")] = Submission()
    content: Annotated[Content, about("What a message may consist of.")] = Content()
    passwords: Annotated[Passwords, about("How passwords are hashed.")] = Passwords()
    log_in: Annotated[LogIn, about("How one may log in.")] = LogIn()
    tokens: Annotated[Tokens, about("Whose tokens are taken.")] = Tokens()
    dns: Annotated[DNS, about("How the domain name system is asked.")] = DNS()
    relay: Annotated[Relay, about("Letters on their way to other sites.")] = Relay()
    routes: Annotated[
        dict[str, str | Route], about("Where letters for named domains go; a string is its `to`.")
    ] = field(default_factory=dict)
    log: Annotated[Log, about("What is told to the operator.")] = Log()
