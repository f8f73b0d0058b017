"""Tells the service manager how it goes: sd_notify(3), a datagram to $NOTIFY_SOCKET."""

from __future__ import annotations

import contextlib
import os
import socket
import time


def tell(state: str) -> None:
    """Send states such as READY=1, STOPPING=1; nothing where no manager listens."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    if path.startswith("@"):  # an abstract socket
        path = "\0" + path[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.setblocking(False)
        manager.sendto(state.encode(), path)


def ready(text: str) -> None:
    tell(f"READY=1\nSTATUS={text}")


def reloading() -> None:
    tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping() -> None:
    tell("STOPPING=1")
