"""Settings for where services listen, and the certificate that they show."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from .part import Part, about, file


class Listen(Part, frozen=True):
    """Where each service listens: `host:port`, `[IPv6]:port`; port 0 takes a free one."""

    smtp: Annotated[list[str], about("Mail from other sites, for the local domains only.")] = field(
        default_factory=lambda: ["127.0.0.1:2525"]
    )
    submission: Annotated[
        list[str], about("Mail from the accounts' own programs, after STARTTLS (RFC 6409).")
    ] = field(default_factory=lambda: ["127.0.0.1:2587"])
    submissions: Annotated[
        list[str], about("Mail from the accounts' own programs, TLS from the start (RFC 8314).")
    ] = field(default_factory=lambda: ["127.0.0.1:2465"])
    lmtp: Annotated[
        list[str], about("Mail that goes right into the mailboxes, without a queue (RFC 2033).")
    ] = field(default_factory=lambda: ["127.0.0.1:2424"])
    pop3: Annotated[list[str], about("POP3 with STLS (RFC 1939, RFC 2595).")] = field(
        default_factory=lambda: ["127.0.0.1:2110"]
    )
    pop3s: Annotated[list[str], about("POP3, TLS from the start (RFC 8314).")] = field(
        default_factory=lambda: ["127.0.0.1:2995"]
    )
    imap: Annotated[list[str], about("IMAP with STARTTLS (RFC 3501).")] = field(
        default_factory=lambda: ["127.0.0.1:2143"]
    )
    imaps: Annotated[list[str], about("IMAP, TLS from the start (RFC 8314).")] = field(
        default_factory=lambda: ["127.0.0.1:2993"]
    )


class TLS(Part, frozen=True):
    """The certificate that is shown to clients and other sites."""

    certificate: Annotated[
        str,
        file(
            "PEM file with the certificate and its chain, relative to the data directory."
            " When it is empty, a self-signed one is made at the first start."
        ),
    ] = ""
    key: Annotated[str, file("PEM file with the private key of the certificate.")] = ""
    client_authorities: Annotated[
        str,
        file(
            "PEM file with those who may sign clients' certificates, for logging in by EXTERNAL;"
            " relative to the data directory. When it is empty, no certificate is asked for."
        ),
    ] = ""


def services(listen: Listen) -> dict[str, list[str]]:
    """Each service with its addresses, in the order of the settings."""
    return {name: getattr(listen, name) for name in listen.__struct_fields__}
