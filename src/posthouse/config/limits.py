"""Settings for what peers may use, how often they may come, and how long they may take."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from .part import MEBIBYTE, MINUTES, Part, about, count, octets, seconds


class Limits(Part, frozen=True):
    """What one peer, and all together, may use."""

    connections: Annotated[
        int,
        count("Connections of one worker at once; fewer where it may open fewer files."),
    ] = 10_000
    connections_per_network: Annotated[
        int, count("Connections at once from one IPv4 address or IPv6 /64, for one worker.")
    ] = 500
    memory: Annotated[
        int,
        octets(
            "Memory of one worker. While it has more, no connections are taken, and those end for"
            " which most is held. Each connection costs up to 40 kB.",
            128 * MEBIBYTE,
        ),
    ] = 1024 * MEBIBYTE
    message: Annotated[int, octets("Largest message that is taken (RFC 1870).", 64 * 1024)] = (
        50 * MEBIBYTE
    )
    recipients: Annotated[
        int, count("Recipients of one message (RFC 5321 §4.5.3.1.8).", least=100)
    ] = 1000
    errors: Annotated[int, count("Commands with an error before the connection is closed.")] = 20
    log_ins: Annotated[int, count("Failed log-ins before the connection is closed.")] = 5
    transactions: Annotated[int, count("Messages in one SMTP connection.")] = 10_000
    received: Annotated[
        int, count("Received fields after which a message is in a loop (RFC 5321 §6.3).", 50)
    ] = 100
    command: Annotated[
        int,
        octets("Largest IMAP command with its literals, but for the message of APPEND.", 64 * 1024),
    ] = MEBIBYTE
    password_checks: Annotated[int, count("Passwords of one worker that are checked at once.")] = 2


class Rates(Part, frozen=True):
    """How often one sender and one network may come, counted for all workers. 0: any number."""

    trusted: Annotated[
        list[str],
        about(
            "Networks whose connections none of these settings is for, as in 192.0.2.0/24."
            " Take out 127.0.0.0/8 when a proxy in front brings all connections from there."
        ),
    ] = field(default_factory=lambda: ["127.0.0.0/8", "::1/128"])
    ipv4_prefix: Annotated[
        int,
        Meta(
            description="Bits of an IPv4 address that are one network: 32 for each address alone,"
            " 24 for 256 of them together. Of an IPv6 address it is always 64.",
            ge=8,
            le=32,
        ),
    ] = 32
    connections: Annotated[
        int, count("Connections of a network to `smtp` in a minute (421 4.7.0).", 0)
    ] = 60
    submission_connections: Annotated[
        int,
        count(
            "Connections of a network to `submission` and `submissions` in a minute (421 4.7.0).", 0
        ),
    ] = 300
    imap_connections: Annotated[
        int,
        count(
            "Connections of a network to `imap` and `imaps` in a minute (BYE). Many clients may"
            " share an address, and each of them opens several.",
            0,
        ),
    ] = 600
    pop3_connections: Annotated[
        int, count("Connections of a network to `pop3` and `pop3s` in a minute (-ERR).", 0)
    ] = 600
    lmtp_connections: Annotated[
        int, count("Connections of a network to `lmtp` in a minute (421 4.7.0).", 0)
    ] = 6000
    messages: Annotated[int, count("MAIL of a network at `smtp` in a minute (451 4.7.1).", 0)] = 600
    recipients: Annotated[int, count("RCPT of a network at `smtp` in a minute (451 4.7.1).", 0)] = (
        600
    )
    sender_messages: Annotated[
        int,
        count(
            "MAIL with senders of one domain at `smtp` in a minute, from wherever they come"
            " (451 4.7.1). Senders are easily forged.",
            0,
        ),
    ] = 6000
    account_messages: Annotated[
        int, count("MAIL of an account at submission in an hour (451 4.7.1).", 0)
    ] = 1000
    account_recipients: Annotated[
        int, count("RCPT of an account at submission in an hour (451 4.7.1).", 0)
    ] = 1000
    slowest_error: Annotated[
        float,
        Meta(
            description="Longest wait before an error is told: an unknown recipient or command,"
            " wrong syntax, also by IMAP and POP3 before the log-in. It grows with each of them"
            " that a network has. 0: no wait.",
            ge=0,
            le=60,
            extra={"unit": "seconds"},
        ),
    ] = 10.0
    slowest_log_in: Annotated[
        float,
        Meta(
            description="Longest wait before a failed log-in is told, by SMTP, IMAP and POP3; it"
            " grows with each that one network has for one account. 0: they are not counted.",
            ge=0,
            le=60,
            extra={"unit": "seconds"},
        ),
    ] = 10.0
    failed_log_ins: Annotated[
        int,
        count(
            "Failed log-ins of one network for one account after which no password is checked"
            " for a while; one is forgotten each minute.",
            5,
        ),
    ] = 20


class Timeouts(Part, frozen=True):
    """How long a peer may take."""

    command: Annotated[
        float, seconds("SMTP: between two commands (RFC 5321 §4.5.3.2.7 asks for 5 minutes).")
    ] = 5 * MINUTES
    data: Annotated[
        float, seconds("SMTP: for the next part of a message (RFC 5321 §4.5.3.2.5).")
    ] = 3 * MINUTES
    message: Annotated[float, seconds("SMTP: for a whole message.")] = 60 * MINUTES
    greeting: Annotated[
        float, seconds("From the connection to a log-in, for services that need one.")
    ] = 2 * MINUTES
    imap: Annotated[float, seconds("IMAP: autologout; RFC 3501 §5.4 asks for 30 minutes.")] = (
        30 * MINUTES
    )
    handshake: Annotated[float, seconds("A TLS handshake.")] = 30.0
    shutdown: Annotated[float, seconds("For work that runs when the server is told to end.")] = 30.0
