"""The services: for each name of `[listen]`, what is spoken there and who answers."""

from __future__ import annotations

import socket
import ssl

from .accounts.authenticator import Authenticator
from .config import Config
from .mta.queue.queue import Queue
from .protocols.imap.session import Limits as ImapLimits
from .runtime.clock import Clock
from .runtime.connection import Service
from .runtime.log import Log
from .store.blobs.files import BlobFiles
from .store.serve.imap import Imap
from .store.serve.imap import Settings as ImapSettings
from .store.serve.pop3 import Pop3
from .store.serve.pop3 import Settings as Pop3Settings
from .store.store import Store
from .store.views import MailboxViews


def services(
    config: Config,
    tls: ssl.SSLContext | None,
    store: Store,
    blobs: BlobFiles,
    views: MailboxViews,
    authenticator: Authenticator,
    queue: Queue,
    clock: Clock,
    log: Log,
) -> dict[str, Service]:
    """All services of this Posthouse, by name."""
    hostname = config.hostname or socket.getfqdn()
    pop3 = Pop3(
        store,
        blobs,
        authenticator,
        Pop3Settings(
            hostname,
            errors_allowed=config.limits.errors,
            logins_allowed=config.limits.log_ins,
        ),
        clock.now,
        log,
        tls is not None,
    )
    imap = Imap(
        store,
        views,
        blobs,
        authenticator,
        ImapSettings(
            hostname,
            normalise_newlines=config.content.bare_newlines == "normalise",
            limits=ImapLimits(
                message=config.limits.message,
                autologout=config.timeouts.imap,
                logging_in=config.timeouts.greeting,
            ),
        ),
        clock.now,
        log,
        tls is not None,
    )
    pop3_words = (
        b"-ERR [SYS/TEMP] too many connections\r\n",
        b"-ERR [SYS/TEMP] internal error\r\n",
    )
    imap_words = (
        b"* BYE [UNAVAILABLE] too many connections\r\n",
        b"* BYE [SERVERBUG] internal error\r\n",
    )
    return {
        "pop3": Service("pop3", pop3.begin, tls, False, *pop3_words),
        "pop3s": Service("pop3s", pop3.begin, tls, True, *pop3_words),
        "imap": Service("imap", imap.begin, tls, False, *imap_words),
        "imaps": Service("imaps", imap.begin, tls, True, *imap_words),
    }
