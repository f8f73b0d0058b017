"""Every setting once: its type, unit, default and documentation.

One tree of frozen structs, read from one TOML file. A field's docstring and unit are in its
annotation, so that `posthouse config describe`, the error messages and the reference page all
come from here. Components do not read this: each gets its own small part in its constructor.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, field

from .config_limits import Limits, Rates, Timeouts
from .config_part import MEBIBYTE, MINUTES, Part, about, count, octets, seconds
from .protocols.sasl import MECHANISMS

FILE_NAME = "posthouse.toml"
NAME = "NAME"  # stands for the names in a table of named ones


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
        about(
            "PEM file with the certificate and its chain, relative to the data directory."
            " When it is empty, a self-signed one is made at the first start."
        ),
    ] = ""
    key: Annotated[str, about("PEM file with the private key of the certificate.")] = ""
    client_authorities: Annotated[
        str,
        about(
            "PEM file with those who may sign clients' certificates, for logging in by EXTERNAL;"
            " relative to the data directory. When it is empty, no certificate is asked for."
        ),
    ] = ""


class Storage(Part, frozen=True):
    """Where and how mail is kept."""

    reserve: Annotated[
        int,
        octets(
            "Free space below which new mail is put off with 452 4.3.1, and by IMAP with NO"
            " [UNAVAILABLE].",
            0,
        ),
    ] = 100 * MEBIBYTE
    longest_log: Annotated[
        int,
        octets(
            "Write-ahead log of the database from which new mail is put off in the same way, until"
            " there is room to move it into the database.",
            128 * MEBIBYTE,
        ),
    ] = 1024 * MEBIBYTE
    index_delay: Annotated[
        float,
        seconds(
            "How long new messages wait to be indexed for searches, so that delivery does not"
            " wait. Searches find them meanwhile, but slower."
        ),
    ] = 60.0


class Delivery(Part, frozen=True):
    """Delivery into the mailboxes of accounts."""

    separator: Annotated[
        str,
        Meta(
            description="What divides a user's name from a sub-address, as in ann+lists"
            " (RFC 5233). When it is empty, there are no sub-addresses.",
            max_length=1,
        ),
    ] = "+"
    when_full: Annotated[
        Literal["later", "refuse"],
        about(
            "A letter for an account that keeps as much as it may: have the sender try again"
            " (452 4.2.2), or refuse it (552 5.2.2)."
        ),
    ] = "later"
    literal_domain: Annotated[
        str,
        about(
            "The domain whose addresses are meant by those at an address of this host, as in"
            " ann@[192.0.2.1] (RFC 5321 §4.1.3). Such an address is the one that the client has"
            " connected to, where `smtp` listens, or one of relay.names. When it is empty,"
            " postmaster alone is known there."
        ),
    ] = ""


class Pop3(Part, frozen=True):
    """What those who read by POP3 may do."""

    login_delay: Annotated[
        int,
        Meta(
            description="From a log-in of an account to its next one (RFC 2449 §6.5); 0: at once.",
            ge=0,
            extra={"unit": "seconds"},
        ),
    ] = 0
    login_delay_except: Annotated[
        list[str], about("Addresses of accounts that need not wait between log-ins.")
    ] = field(default_factory=list)
    expire: Annotated[
        str,
        Meta(
            description="After how many days messages are deleted that a client has retrieved by"
            " POP3 and left in INBOX (RFC 2449 §6.7), or `never`; 0: at the end of the session.",
            pattern=r"^(never|[0-9]{1,5})$",
        ),
    ] = "never"
    expire_except: Annotated[
        list[str], about("Addresses of accounts of which nothing is so deleted.")
    ] = field(default_factory=list)
    language: Annotated[
        Literal["en", "de", "es", "fr", "ja", "ru", "zh"],
        about("The language of responses for clients that ask for the preferred one (RFC 6856)."),
    ] = "en"


class Submission(Part, frozen=True):
    """What is done to mail of the accounts' own programs (RFC 6409)."""

    strip_bcc: Annotated[bool, about("Remove the Bcc field before the message goes out.")] = True
    copy_to_sent: Annotated[
        bool,
        about(
            "File a copy of each message in the Sent mailbox of its account. Most mail programs"
            " do so themselves; then there would be two."
        ),
    ] = False
    sent_when_full: Annotated[
        Literal["skip", "refuse"],
        about(
            "With copy_to_sent, what an account that keeps as much as it may can do: send without"
            " a copy, which the reply and the log say, or not send (452 4.2.2)."
        ),
    ] = "skip"
    check_sender: Annotated[
        bool, about("Refuse a sender that is not the account's own address or an alias of it.")
    ] = True


class Content(Part, frozen=True):
    """What a message may consist of."""

    bare_newlines: Annotated[
        Literal["refuse", "normalise"],
        about(
            "A CR or LF that stands alone in a message: refuse the message with 554 5.6.0,"
            " or make it a CRLF (RFC 5321 §2.3.8)."
        ),
    ] = "refuse"


class Passwords(Part, frozen=True):
    """How passwords are hashed (Argon2id, RFC 9106)."""

    memory: Annotated[int, Meta(description="Memory of one hash.", ge=8, extra={"unit": "KiB"})] = (
        64 * 1024
    )
    passes: Annotated[int, count("Passes over the memory.")] = 3
    lanes: Annotated[int, count("Lanes of a hash.")] = 1
    remember: Annotated[
        float, seconds("How long a good log-in is remembered, so that it is not hashed again.")
    ] = 10 * MINUTES
    scram_iterations: Annotated[
        int,
        count(
            "Iterations of new keys for SCRAM, which every client has to make; many clients"
            " (those with Cyrus SASL) refuse more than 65,536.",
            10_000,
        ),
    ] = 50_000


class LogIn(Part, frozen=True):
    """How people and their programs may say who they are (SASL, RFC 4422)."""

    mechanisms: Annotated[
        list[str],
        about(
            "Those offered, where the accounts and the connection have what they need. The -PLUS"
            " ones are not among the defaults: clients with GNU SASL choose them, and cannot."
        ),
    ] = field(default_factory=lambda: [each for each in MECHANISMS if not each.endswith("-PLUS")])
    anonymous: Annotated[
        str,
        about("The account that anybody may read by IMAP and POP3 with ANONYMOUS; empty: none."),
    ] = ""


class Tokens(Part, frozen=True):
    """The authorization server whose tokens let one in by OAUTHBEARER and XOAUTH2."""

    issuer: Annotated[str, about("What tokens must say in `iss`; empty: none are taken.")] = ""
    audience: Annotated[str, about("What tokens must have among their `aud`.")] = ""
    keys: Annotated[
        str, about("File with the issuer's keys (JWK set, RFC 7517), in the data directory.")
    ] = ""
    claim: Annotated[str, about("The claim that has the account's address.")] = "email"
    algorithms: Annotated[
        list[str], about("Algorithms of signatures: RS256, PS256, ES256, EdDSA.")
    ] = field(default_factory=lambda: ["RS256", "ES256", "EdDSA"])


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
        about(
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
        about("A file with the password in its first line, relative to the data directory."),
    ] = ""


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


class Wrong(Exception):
    """The settings cannot be used: says the place, the key and what is expected."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, described."""

    key: str  # "listen.smtp"
    type: str
    unit: str
    default: object
    text: str
    named: bool = False  # one for each NAME that the operator chooses, as in routes.NAME.to


def load(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """The settings of a file (None: no file), with `key=value` overrides over them."""
    tree = _read(path) if path is not None else {}
    _convert(tree, str(path))
    for override in overrides:
        _override(tree, override)
    config = _convert(tree, "--set" if overrides else str(path))
    from .config_checks import complaints

    place = str(path) if path is not None and not overrides else "settings"
    for complaint in complaints(config):
        raise Wrong(f"{place}: {complaint}")
    return config


def find(data: Path, given: Path | None) -> Path | None:
    """The settings file: the one given, else the one in the data directory, if there is one."""
    if given is not None:
        return given
    path = data / FILE_NAME
    return path if path.is_file() else None


def services(listen: Listen) -> dict[str, list[str]]:
    """Each service with its addresses, in the order of the settings."""
    return {name: getattr(listen, name) for name in listen.__struct_fields__}


def routes(config: Config) -> dict[str, Route]:
    """The routes, all in the long form."""
    return {
        name: Route(route) if isinstance(route, str) else route
        for name, route in config.routes.items()
    }


def describe(
    part: type[Part] = Config, prefix: str = "", *, named: bool = False
) -> Iterator[Setting]:
    """Every setting, in order."""
    hints = get_type_hints(part, include_extras=True)
    for member in msgspec.structs.fields(part):
        kind, meta = _unwrap(hints[member.name])
        if isinstance(kind, type) and issubclass(kind, Part):
            yield from describe(kind, f"{prefix}{member.name}.")
            continue
        if get_origin(kind) is dict:
            (each,) = (k for k in get_args(get_args(kind)[1]) if issubclass(k, Part))
            yield from describe(each, f"{prefix}{member.name}.{NAME}.", named=True)
            continue
        default = member.default if member.default_factory is msgspec.NODEFAULT else None
        if default is None and member.default_factory is not msgspec.NODEFAULT:
            default = member.default_factory()
        if default is msgspec.NODEFAULT:
            default = None
        unit = str((meta.extra or {}).get("unit", ""))
        key = f"{prefix}{member.name}"
        yield Setting(key, _type_name(kind), unit, default, meta.description or "", named)


def _unwrap(hint: Any) -> tuple[Any, Meta]:
    if get_origin(hint) is Annotated:
        kind, meta, *_ = get_args(hint)
        return kind, meta
    return hint, Meta()


def _type_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " | ".join(repr(value) for value in get_args(kind))
    if get_origin(kind) is list:
        return "list of strings"
    names = {int: "integer", float: "number", bool: "true or false", str: "string"}
    return names[kind]


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Wrong(f"{path}: not TOML: {error}") from None


def _convert(tree: Mapping[str, Any], place: str) -> Config:
    try:
        return msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        raise Wrong(f"{place}: {_explain(str(error))}") from None


def _explain(error: str) -> str:
    """Say msgspec's error as key first, and for an unknown key the known ones."""
    what, _, where = error.partition(" - at `$")
    key = where.rstrip("`").lstrip(".")
    unknown = re.search(r"unknown field `([^`]*)`", what)
    if unknown is None:
        expected = "".join(f" ({s.type})" for s in describe() if s.key == key)
        return f"{key or 'settings'}: {what[:1].lower()}{what[1:]}{expected}"
    full = f"{key}.{unknown[1]}" if key else unknown[1]
    known = [s.key for s in describe() if s.key.rpartition(".")[0] == key] or [
        s.key for s in describe()
    ]
    return f"{full}: no such setting; expected one of {', '.join(known)}"


def _override(tree: dict[str, Any], override: str) -> None:
    """Set a `key=value`. A list's values are divided by commas."""
    key, equals, text = override.partition("=")
    kinds = {setting.key: setting.default for setting in describe()}
    if not equals:
        raise Wrong(f"--set {override}: expected KEY=VALUE, as in listen.smtp=127.0.0.1:0")
    *tables, name = _path(key)
    kind = ".".join((tables[0], NAME, name)) if len(tables) == 2 else key
    if kind not in kinds:
        raise Wrong(f"--set {key}: no such setting; `posthouse config describe` lists them")
    for table in tables:
        tree = tree.setdefault(table, {})
    tree[name] = _value(key, text, kinds[kind])


def _path(key: str) -> list[str]:
    """A key's parts. The NAME of routes.NAME.to has dots of its own."""
    table, _, rest = key.partition(".")
    name, _, field_name = rest.rpartition(".")
    return [table, name, field_name] if name else [part for part in (table, rest) if part]


def _value(key: str, text: str, default: object) -> object:
    if isinstance(default, list):
        return [item.strip() for item in text.split(",") if item.strip()]
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise Wrong(f"--set {key}: expected true or false, got {text!r}")
        return text == "true"
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            kind = "an integer" if isinstance(default, int) else "a number"
            raise Wrong(f"--set {key}: expected {kind}, got {text!r}") from None
    return text
