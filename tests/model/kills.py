"""Workers are killed: what was answered OK is there, and what was not answered may be, whole."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from .burst import judge, receive, send
from .mailbox_steps import enter
from .walk import Walk


def kill(walk: Walk) -> None:
    """Between commands: nothing may change by it."""
    _kill(walk)
    for mailbox in walk.account.mailboxes.values():
        if mailbox.uid_validity is not None:
            found = walk.contents(mailbox)
            right = {message.uid: message.flags for message in mailbox.alive}
            assert found == right, f"{mailbox.name}: {found}, not {right}"
    _come_back(walk)


def kill_within(walk: Walk) -> None:
    """While several commands are carried out."""
    sent = send(walk)
    if walk.chance.random() < 0.5:  # not before one of them is done
        receive(walk, sent[:1])
        _kill(walk)
        receive(walk, sent[1:])
    else:
        _kill(walk)
        receive(walk, sent)
    judge(walk, sent, connected=False)
    _come_back(walk)


def _kill(walk: Walk) -> None:
    """SIGKILL to one worker, or to all."""
    pids = walk.user.server.pids()
    for pid in walk.chance.sample(pids, walk.chance.choice((1, len(pids))) if pids else 0):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    walk.forget_observers()
    walk.count.kills += 1
    for mailbox in walk.account.mailboxes.values():
        mailbox.claims_known = False


def _come_back(walk: Walk) -> None:
    for client in walk.clients:
        walk.reconnect(client)
        if walk.chance.random() < 0.7:
            enter(walk, client, walk.mailbox(), walk.chance.random() < 0.2)
