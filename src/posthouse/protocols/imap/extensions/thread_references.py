"""THREAD=REFERENCES: threads of messages and their replies (RFC 5256 §3)."""

from __future__ import annotations

from ..commands.thread import THREAD, uid_thread
from ..extension import Extension, Threading
from ..sorting.threads import references

THREAD_REFERENCES = Extension(
    rfc=5256,
    capability="THREAD=REFERENCES",
    commands={"THREAD": THREAD},
    uid_commands={"THREAD": uid_thread},
    thread_algorithms={
        "REFERENCES": Threading(("id", "refs", "subject", "is_reply", "sent"), references)
    },
)
