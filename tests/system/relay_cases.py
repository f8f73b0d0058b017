"""Where letters go, what comes of them, and what the sender is told: a table of cases.

A case is a domain. `dns` is its records, with `@` for the domain and other names before it;
`hosts` are scripted (see peer.py), the others of `dns` have an address on which nobody listens. A
letter goes to its `to`; the hosts of `route` are tried in this order; it is `taken` by hosts, and
`ends` as the queue says: relayed, failed (with the status of the report that the sender gets), or
deferred (with its reason, and no report yet).

`docs/reference/relaying.md` is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.system.nameserver import Fault

TAKES = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One letter."""

    name: str
    dns: str
    hosts: Mapping[str, str] = field(default_factory=dict)
    route: tuple[str, ...] = ()  # each once
    ends: str = "relayed"
    taken: tuple[str, ...] = ()  # hosts that have the letter, once each
    asked: Mapping[str, int] = field(default_factory=dict)  # connections of a host
    to: tuple[str, ...] = ("bob",)
    tls: str = ""  # a host that offers STARTTLS, with a certificate for another name
    fault: Fault | None = None
    text: str = "Hello.\r\n"
    says: str = ""  # a line that the hosts must have heard


CASES = (
    # RFC 5321 §5.1: which hosts, in which order
    Case(
        "lowest preference first",
        "@ MX 20 second; @ MX 10 first",
        {"first": TAKES, "second": TAKES},
        taken=("first",),
        asked={"second": 0},
        route=("first",),
    ),
    Case("no MX: the domain is the host", "@ A @", {"@": TAKES}, taken=("@",), route=("@",)),
    Case("dead MX", "@ MX 10 dead; @ MX 20 mx", {"mx": TAKES}, taken=("mx",), route=("dead", "mx")),
    Case(
        "next address of a host",
        "@ MX 10 mx; mx A dead",
        {"mx": TAKES},
        taken=("mx",),
        route=("mx, first address", "mx"),
    ),
    Case(
        "null MX",
        "@ MX 0 .",
        ends="failed 5.1.10",
    ),
    Case("no such domain", "", ends="failed 5.1.2"),
    Case("the name server fails", "@ MX 10 mx", fault=Fault.SERVFAIL, ends="deferred SERVFAIL"),
    Case("all dead", "@ MX 10 dead; @ MX 20 dead2", ends="deferred port", route=("dead", "dead2")),
    # Hosts that take no mail
    Case(
        "421 in the greeting",
        "@ MX 10 busy; @ MX 20 mx",
        {"busy": "greeting 421 4.3.2 later, close", "mx": TAKES},
        taken=("mx",),
        route=("busy", "mx"),
    ),
    Case(
        "554 in the greeting of one",
        "@ MX 10 no; @ MX 20 mx",
        {"no": "greeting 554 5.3.2 no mail here, close", "mx": TAKES},
        taken=("mx",),
        route=("no", "mx"),
    ),
    Case(
        "554 in the greeting of all",
        "@ MX 10 no",
        {"no": "greeting 521 5.3.2 no mail here, close"},
        ends="failed 5.3.2",
        route=("no",),
    ),
    Case(
        "closes instead of greeting",
        "@ MX 10 odd; @ MX 20 mx",
        {"odd": "greeting close", "mx": TAKES},
        taken=("mx",),
        route=("odd", "mx"),
    ),
    Case(
        "resets the connection",
        "@ MX 10 odd; @ MX 20 mx",
        {"odd": "EHLO reset", "mx": TAKES},
        taken=("mx",),
        route=("odd", "mx"),
    ),
    Case("knows no EHLO", "@ MX 10 old", {"old": "EHLO 500 what?"}, taken=("old",), route=("old",)),
    # Replies
    Case(
        "greylister: the next try is taken",
        "@ MX 10 grey",
        {"grey": "RCPT 450 4.2.0 greylisted; 250 2.1.5 ok"},
        taken=("grey",),
        route=("grey",),
    ),
    Case(
        "greylister with a second host",
        "@ MX 10 grey; @ MX 20 mx",
        {"grey": "RCPT 450 4.2.0 greylisted", "mx": TAKES},
        taken=("mx",),
        route=("grey", "mx"),
    ),
    Case(
        "unknown user",
        "@ MX 10 mx",
        {"mx": "RCPT 550 5.1.1 who?"},
        ends="failed 5.1.1",
        route=("mx",),
    ),
    Case(
        "a code without enhanced status",
        "@ MX 10 mx",
        {"mx": "RCPT 550 no"},
        ends="failed 5.0.0",
        route=("mx",),
    ),
    Case(
        "sender refused: not tried elsewhere",
        "@ MX 10 mx; @ MX 20 other",
        {"mx": "MAIL 550 5.7.1 not you", "other": TAKES},
        ends="failed 5.7.1",
        asked={"other": 0},
        route=("mx",),
    ),
    Case(
        "421 in the middle",
        "@ MX 10 busy; @ MX 20 mx",
        {"busy": "DATA 421 4.3.2 going down, close", "mx": TAKES},
        taken=("mx",),
        route=("busy", "mx"),
    ),
    Case(
        "552 at the end of the message",
        "@ MX 10 mx",
        {"mx": ". 552 5.2.2 mailbox full"},
        ends="failed 5.2.2",
        route=("mx",),
    ),
    Case(
        "closes after the final dot: not sent elsewhere at once",
        "@ MX 10 odd; @ MX 20 mx",
        {"odd": ". close", "mx": TAKES},
        ends="deferred may have taken it",
        asked={"mx": 0},
        route=("odd",),
    ),
    Case(
        "one of two recipients",
        "@ MX 10 mx",
        {"mx": "RCPT 250 ok; 550 5.1.1 who?"},
        to=("bob", "carol"),
        ends="failed 5.1.1",
        taken=("mx",),
        route=("mx",),
    ),
    Case(
        "a tarpit is waited for",
        "@ MX 10 slow",
        {"slow": "slow 0.2"},
        taken=("slow",),
        route=("slow",),
    ),
    # TLS
    Case(
        "a certificate for another name, by opportunity",
        "@ MX 10 mx",
        {"mx": TAKES},
        tls="mx",
        taken=("mx",),
        says="STARTTLS",
        route=("mx",),
    ),
    Case(
        "no handshake: in the clear",
        "@ MX 10 mx",
        {"mx": "offers STARTTLS\nSTARTTLS 220 go on, close"},
        taken=("mx",),
        asked={"mx": 2},
        route=("mx",),
    ),
    # Content
    Case(
        "8-bit content for a host without 8BITMIME",
        "@ MX 10 mx",
        {"mx": "without 8BITMIME"},
        text="Gr\u00fc\u00dfe aus K\u00f6ln\r\n",
        taken=("mx",),
        route=("mx",),
    ),
    Case(
        "larger than the host takes",
        "@ MX 10 mx",
        {"mx": "without SIZE\noffers SIZE 100"},
        ends="failed 5.3.4",
        route=("mx",),
    ),
    Case(
        "a host without PIPELINING",
        "@ MX 10 mx",
        {"mx": "without PIPELINING"},
        taken=("mx",),
        route=("mx",),
    ),
)
