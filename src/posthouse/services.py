"""The services: for each name of `[listen]`, what is spoken there and who answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from .accounts.authenticator import Authenticator
from .accounts.names import canonical_address
from .config import Config
from .mda.lmtp import LmtpDelivery
from .msa.agent import Submission
from .mta.queue.queue import Queue
from .mta.receive.agent import Transfer
from .mta.receive.incoming import House
from .mta.receive.literals import OwnLiterals
from .mta.receive.manners import Manners, Rates
from .mta.receive.recipients import Finder
from .mta.receive.room import FULL, FULL_NOW, Room
from .protocols.imap.session import Limits as ImapLimits
from .protocols.pop3.policy import Policy
from .protocols.smtp.reply import Reply
from .protocols.smtp.session import Service as SmtpService
from .protocols.smtp.session import Settings as SmtpSettings
from .routing import backup_domains, ourselves
from .runtime.arrivals import Arrivals
from .runtime.clock import Clock
from .runtime.counters import Counters
from .runtime.hostname import own_name
from .runtime.log import Log
from .runtime.networks import Networks
from .runtime.patience import Patience
from .runtime.service import Service
from .runtime.tls import ServerContext
from .store.blobs.files import BlobFiles
from .store.expiry import Expiry
from .store.search.searching import Searching
from .store.serve.imap import Imap
from .store.serve.imap import Settings as ImapSettings
from .store.serve.pop3 import Pop3
from .store.serve.pop3 import Settings as Pop3Settings
from .store.space import Space
from .store.store import Store
from .store.views import MailboxViews

SMTP_WORDS = (
    b"421 4.3.2 too many connections, try again later\r\n",
    b"421 4.3.0 internal error, try again later\r\n",
)
SMTP_TOO_OFTEN = b"421 4.7.0 too many connections from your network, try again later\r\n"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services of a worker have in common."""

    config: Config
    tls: ServerContext | None
    store: Store
    blobs: BlobFiles
    views: MailboxViews
    authenticator: Authenticator
    queue: Queue
    searching: Searching
    clock: Clock
    log: Log
    counters: Counters
    networks: Networks = field(init=False)
    patience: Patience = field(init=False)
    space: Space = field(init=False)

    def __post_init__(self) -> None:
        rates = self.config.rates
        networks = Networks(rates.trusted, rates.ipv4_prefix)
        object.__setattr__(self, "networks", networks)
        patience = Patience(self.counters, networks, rates.slowest_error)
        object.__setattr__(self, "patience", patience)
        storage, monotonic = self.config.storage, self.clock.monotonic
        space = Space(
            self.store, self.store.directory, storage.reserve, storage.longest_log, monotonic
        )
        object.__setattr__(self, "space", space)

    @property
    def hostname(self) -> str:
        return self.config.hostname or own_name()

    @property
    def tls_of_accounts(self) -> ServerContext | None:
        """Where accounts log in, perhaps by a certificate."""
        return (self.tls and self.tls.for_accounts) or self.tls

    def welcome(self, of: str, most: int) -> Callable[[str], bool]:
        """Whether one more connection may come from an address: `most` of a network in a minute."""
        return Arrivals(self.counters, self.networks, of, most, self.log).welcome

    @property
    def normalise(self) -> bool:
        return self.config.content.bare_newlines == "normalise"


def services(parts: Parts) -> dict[str, Service]:
    """All services of this Posthouse, by name."""
    return {service.name: service for service in (*_smtp(parts), *_pop3(parts), *_imap(parts))}


def _smtp_settings(parts: Parts) -> SmtpSettings:
    config = parts.config
    return SmtpSettings(
        parts.hostname,
        largest=config.limits.message,
        recipients=config.limits.recipients,
        transactions=config.limits.transactions,
        errors=config.limits.errors,
        log_ins=config.limits.log_ins,
        normalise=parts.normalise,
        command_time=config.timeouts.command,
        data_time=config.timeouts.data,
        message_time=config.timeouts.message,
        log_in_time=config.timeouts.greeting,
        pauses=True,
    )


def _manners(parts: Parts) -> Manners:
    rates = parts.config.rates
    return Manners(
        parts.counters,
        parts.networks,
        Rates(
            messages=rates.messages,
            recipients=rates.recipients,
            sender_messages=rates.sender_messages,
            account_messages=rates.account_messages,
            account_recipients=rates.account_recipients,
        ),
        parts.patience,
        parts.log,
    )


def _smtp(parts: Parts) -> Iterator[Service]:
    config, tls, clock = parts.config, parts.tls, parts.clock
    settings = _smtp_settings(parts)
    full = FULL_NOW if config.delivery.when_full == "later" else FULL
    house = House(parts.queue, parts.blobs, parts.log, config.limits.received, full)
    room = Room(parts.space)
    manners = _manners(parts)
    literals = OwnLiterals(
        ourselves(config, parts.hostname).is_address, config.delivery.literal_domain
    )
    finder = Finder(parts.store, config.delivery.separator)
    transfer = Transfer(
        house,
        room,
        finder,
        settings,
        clock.now,
        tls_available=tls is not None,
        full=full,
        backup_for=backup_domains(config),
        literals=literals,
        manners=manners,
    )
    submission = Submission(
        house,
        room,
        parts.store,
        finder,
        parts.authenticator,
        settings,
        clock.now,
        tls_available=tls is not None,
        separator=config.delivery.separator,
        full=full,
        check_sender=config.submission.check_sender,
        strip_bcc=config.submission.strip_bcc,
        copy_to_sent=config.submission.copy_to_sent,
        literals=literals,
        needs_copy=config.submission.sent_when_full == "refuse",
        manners=manners,
    )
    submissions = replace(submission, service=SmtpService.SUBMISSIONS)
    rates, own_tls = config.rates, parts.tls_of_accounts
    words = (*SMTP_WORDS, parts.welcome("connection", rates.connections), SMTP_TOO_OFTEN)
    yield Service("smtp", transfer.begin, tls, False, *words)
    welcome = parts.welcome("submission connection", rates.submission_connections)
    words = (*SMTP_WORDS, welcome, SMTP_TOO_OFTEN)
    yield Service("submission", submission.begin, own_tls, False, *words)
    yield Service("submissions", submissions.begin, own_tls, True, *words)
    yield _lmtp(parts, house, room, finder, full)


def _lmtp(parts: Parts, house: House, room: Room, finder: Finder, full: Reply) -> Service:
    delivery = LmtpDelivery(
        house,
        room,
        parts.store,
        finder,
        _smtp_settings(parts),
        parts.clock.now,
        tls_available=parts.tls is not None,
        full=full,
    )
    welcome = parts.welcome("LMTP connection", parts.config.rates.lmtp_connections)
    words = (*SMTP_WORDS, welcome, SMTP_TOO_OFTEN)
    return Service("lmtp", delivery.begin, parts.tls, False, *words)


def _pop3(parts: Parts) -> Iterator[Service]:
    limits = parts.config.limits
    pop3 = Pop3(
        parts.store,
        parts.blobs,
        parts.authenticator,
        Pop3Settings(
            parts.hostname,
            errors_allowed=limits.errors,
            logins_allowed=limits.log_ins,
            login_within=parts.config.timeouts.greeting,
            policy=pop3_policy(parts.config),
            login_delay_except=_addresses(parts.config.pop3.login_delay_except),
            expire_except=_addresses(parts.config.pop3.expire_except),
            language=parts.config.pop3.language,
        ),
        parts.clock.now,
        parts.log,
        parts.tls is not None,
        parts.patience,
    )
    words = (
        b"-ERR [SYS/TEMP] too many connections\r\n",
        b"-ERR [SYS/TEMP] internal error\r\n",
        parts.welcome("POP3 connection", parts.config.rates.pop3_connections),
        b"-ERR [SYS/TEMP] too many connections from your network, try again later\r\n",
    )
    yield Service("pop3", pop3.begin, parts.tls_of_accounts, False, *words)
    yield Service("pop3s", pop3.begin, parts.tls_of_accounts, True, *words)


def pop3_policy(config: Config) -> Policy:
    """What is asked of those who read by POP3."""
    wanted = config.pop3
    days = None if wanted.expire == "never" else int(wanted.expire)
    return Policy(
        login_delay=wanted.login_delay or None,
        login_delay_varies=bool(wanted.login_delay and wanted.login_delay_except),
        expire=days,
        expire_varies=days is not None and bool(wanted.expire_except),
    )


def expiry(config: Config) -> Expiry | None:
    """What POP3 leaves to be deleted later, if anything."""
    days = pop3_policy(config).expire
    return Expiry(days, _addresses(config.pop3.expire_except)) if days else None


def _addresses(addresses: list[str]) -> frozenset[str]:
    return frozenset(canonical_address(address) for address in addresses)


def _imap(parts: Parts) -> Iterator[Service]:
    config = parts.config
    imap = Imap(
        parts.store,
        parts.views,
        parts.blobs,
        parts.authenticator,
        ImapSettings(
            parts.hostname,
            normalise_newlines=parts.normalise,
            limits=ImapLimits(
                command=config.limits.command,
                message=config.limits.message,
                errors=config.limits.errors,
                errors_before_login=config.limits.log_ins,
                autologout=config.timeouts.imap,
                logging_in=config.timeouts.greeting,
            ),
        ),
        parts.clock.now,
        parts.log,
        parts.tls is not None,
        parts.searching,
        parts.patience,
        parts.space,
    )
    words = (
        b"* BYE [UNAVAILABLE] too many connections\r\n",
        b"* BYE [SERVERBUG] internal error\r\n",
        parts.welcome("IMAP connection", config.rates.imap_connections),
        b"* BYE [UNAVAILABLE] too many connections from your network, try again later\r\n",
    )
    yield Service("imap", imap.begin, parts.tls_of_accounts, False, *words)
    yield Service("imaps", imap.begin, parts.tls_of_accounts, True, *words)
