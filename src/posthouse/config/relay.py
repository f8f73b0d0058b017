"""Settings for letters on their way to other sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, field

from .part import MINUTES, Part, about, count, file, seconds


class Queue(Part, frozen=True):
    """How long a letter waits that cannot be handed on (RFC 5321 §4.5.4.1)."""

    hold_outgoing: Annotated[
        bool, about("Letters for other sites are held until `posthouse queue release`.")
    ] = False
    first_wait: Annotated[
        float, seconds("From the first try to the second; each further wait is twice as long.")
    ] = 5 * MINUTES
    longest_wait: Annotated[float, seconds("The longest wait between two tries.")] = 240 * MINUTES
    warn_after: Annotated[
        float,
        Meta(
            description="When the sender is told that a letter is delayed; 0: never.",
            ge=0,
            extra={"unit": "seconds"},
        ),
    ] = 240 * MINUTES
    give_up_after: Annotated[
        float, seconds("When a letter is given up, and its sender told so.")
    ] = 5 * 1440 * MINUTES


class DNS(Part, frozen=True):
    """How the domain name system is asked."""

    servers: Annotated[
        list[str],
        about(
            "Recursive name servers, as address, `address:port` or `[IPv6]:port`; the later ones"
            " are asked when the earlier ones fail. When it is empty, those of /etc/resolv.conf."
        ),
    ] = field(default_factory=list)
    addresses: Annotated[
        Literal["both", "ipv4", "ipv6"], about("The addresses of other hosts that are looked up.")
    ] = "both"
    query: Annotated[float, seconds("For the reply of one name server to one query.")] = 3.0
    look_up: Annotated[float, seconds("For an answer, whoever has to be asked for it.")] = 20.0
    queries: Annotated[int, count("Queries of one worker at once.")] = 200
    cache: Annotated[int, count("Answers that one worker remembers.")] = 20_000


class Relay(Part, frozen=True):
    """Letters on their way to other sites."""

    port: Annotated[
        int, Meta(description="The port of other sites' mail exchangers.", ge=1, le=65535)
    ] = 25
    tls: Annotated[
        Literal["none", "opportunistic", "required", "verify"],
        about(
            "Whether TLS is used with other sites' mail exchangers, as in `[routes]`. Many offer"
            " none, or a certificate for another name: unless it is by opportunity, letters for"
            " them wait. The name of a mail exchanger is what the DNS says."
        ),
    ] = "opportunistic"
    names: Annotated[
        list[str],
        about(
            "Other names and addresses by which this server is known. A mail exchanger that is"
            " this server, and those after it, are not tried (RFC 5321 §5.1)."
        ),
    ] = field(default_factory=list)
    backup_for: Annotated[
        list[str],
        about(
            "Domains of others for which `smtp` takes letters from anybody, to pass them on to"
            " a preferred mail exchanger or by `[routes]`; `.example.org` is all below it."
        ),
    ] = field(default_factory=list)
    connections: Annotated[
        int,
        count(
            "Connections of one worker to other sites at once, beside as many to hosts that do not"
            " answer; 0: letters for other sites wait.",
            0,
        ),
    ] = 500
    connections_per_next_hop: Annotated[
        int, count("Connections of one worker to one next hop, when it takes letters well.")
    ] = 20
    keep: Annotated[
        float, seconds("How long a connection is kept for further letters to the same next hop.")
    ] = 5.0
    connect: Annotated[float, seconds("For a connection to another host to come about.")] = 30.0
    first_wait: Annotated[
        float,
        seconds(
            "From a next hop that cannot be reached to the next try for any of its letters;"
            " each further wait is twice as long."
        ),
    ] = MINUTES
    longest_wait: Annotated[float, seconds("The longest such wait.")] = 30 * MINUTES
    authorities: Annotated[
        str,
        file(
            'PEM file with those who may sign certificates where `tls = "verify"`, relative to the'
            " data directory. When it is empty, those that the system trusts."
        ),
    ] = ""


ROUTE_TO = r"^(smtp:|lmtp:)?(\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+)(:[0-9]{1,5})?$"


class Route(Part, frozen=True):
    """Where letters for a domain go, whatever the DNS says. `*` is all domains (a smarthost)."""

    to: Annotated[
        str,
        Meta(
            description="`host:port`, `[IPv6]:port`, or `lmtp:host:port` (RFC 2033). Without port,"
            " 25, or 24 for LMTP. The host's own addresses are used, not its mail exchangers.",
            pattern=ROUTE_TO,
            max_length=300,
        ),
    ]
    tls: Annotated[
        Literal["none", "opportunistic", "required", "verify"],
        about(
            "Whether TLS is used: never, where it is offered, always, or always and with a"
            " certificate that is for the host's name."
        ),
    ] = "opportunistic"
    user: Annotated[
        str,
        about(
            "Whom to log in as; needs TLS that is required or verified. Used is the first of"
            " SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, LOGIN and CRAM-MD5 that the host offers."
        ),
    ] = ""
    password_file: Annotated[
        str,
        file("A file with the password in its first line, relative to the data directory."),
    ] = ""


def in_long_form(routes: Mapping[str, str | Route]) -> dict[str, Route]:
    """The table `[routes]`, in which a string stands for its `to`."""
    return {
        name: Route(route) if isinstance(route, str) else route for name, route in routes.items()
    }
