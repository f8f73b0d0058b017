"""The name of this machine, for when the settings give none."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import cache
from queue import Empty, SimpleQueue
from threading import Thread

WITHIN = 2.0  # seconds for the resolver: without a network it may try for ten, and for each call


@cache
def own_name() -> str:
    """The name that the system gives itself, asked for once."""
    name = socket.gethostname()
    return name if "." in name else full_name(name, socket.getfqdn, WITHIN)


def full_name(name: str, look_up: Callable[[], str], within: float) -> str:
    """What `look_up` finds, or the short `name` when that takes too long."""
    found: SimpleQueue[str] = SimpleQueue()
    Thread(target=lambda: found.put(look_up()), daemon=True).start()
    try:
        return found.get(timeout=within)
    except Empty:
        return name
