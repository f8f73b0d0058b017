"""THREAD=ORDEREDSUBJECT: threads of messages that have one subject (RFC 5256 §3)."""

from __future__ import annotations

from ..commands.thread import THREAD, uid_thread
from ..extension import Extension, Threading
from ..sorting.threads import ordered_subject

THREAD_ORDEREDSUBJECT = Extension(
    rfc=5256,
    capability="THREAD=ORDEREDSUBJECT",
    commands={"THREAD": THREAD},
    uid_commands={"THREAD": uid_thread},
    thread_algorithms={"ORDEREDSUBJECT": Threading(("subject", "sent"), ordered_subject)},
)
