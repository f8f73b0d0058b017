"""Thousands of steps at random, of several clients on two workers (see `walk`)."""

from __future__ import annotations

import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.system.server import Server
from tests.system.user import SETTINGS, User

from . import appending, resync
from . import extension_steps as extensions
from . import item_steps as items
from . import mailbox_steps as mailboxes
from . import steps as messages
from .burst import burst
from .dialect_steps import speak_otherwise
from .kills import kill, kill_within
from .thread_steps import thread
from .walk import Walk

Step = Callable[[Walk], None]

STEPS: dict[Step, int] = {
    messages.store: 20,
    messages.fetch: 16,
    messages.search: 12,
    appending.append: 12,
    appending.append_none: 2,
    messages.copy: 6,
    messages.move: 5,
    extensions.sort: 4,
    extensions.replace: 4,
    thread: 6,
    items.search_partially: 3,
    items.fetch_partially: 2,
    items.metadata: 3,
    items.list_extended: 3,
    items.quota: 2,
    speak_otherwise: 4,
    resync.resync: 5,
    resync.store_unchanged: 4,
    messages.expunge: 6,
    messages.mark_deleted: 6,
    messages.close: 2,
    mailboxes.select: 6,
    mailboxes.select_nothing: 1,
    mailboxes.reconnect: 1,
    mailboxes.synchronise: 12,
    mailboxes.look_at_all: 3,
    mailboxes.idle: 3,
    mailboxes.notify: 4,
    mailboxes.settle_watchers: 8,
    mailboxes.status: 5,
    mailboxes.create: 3,
    mailboxes.delete: 2,
    mailboxes.rename: 2,
    mailboxes.subscribe: 1,
    mailboxes.list_all: 2,
    mailboxes.pop3: 1,
    mailboxes.deliver: 1,
}


#: Steps after which those who watch mailboxes are told of names.
NAMING = frozenset((mailboxes.create, mailboxes.delete, mailboxes.rename, mailboxes.subscribe))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(workers=2, settings=SETTINGS) as running:
        yield running


def seed() -> int:
    return int(os.environ.get("MODEL_SEED", 0)) or random.SystemRandom().randrange(1, 10**9)


def account(server: Server, name: str) -> User:
    """With a quota, so that what it keeps is told."""
    address = server.add_account(f"{name}@localhost")
    server.run("account", "quota", address, "10G")
    return User(server, address)


def run(walk: Walk, choices: dict[Step, int], steps: int, seconds: float = math.inf) -> None:
    """So many steps, in so much time; what goes wrong is told with all that was said before."""
    names, weights = list(choices), list(choices.values())
    try:
        walk.open()
        end = time.monotonic() + seconds
        while walk.count.steps < steps and time.monotonic() < end:
            walk.count.steps += 1
            (step,) = walk.chance.choices(names, weights)
            walk.doing = step.__name__
            step(walk)
            if step in NAMING:
                walk.doing = f"watching {step.__name__}"
                walk.settle_watchers()
        walk.doing = "ending"
        walk.settle_watchers()
        for client in walk.clients:
            walk.synchronise(client)
    except Exception as error:
        raise AssertionError(f"{walk.report()}\n{type(error).__name__}: {error}") from error
    finally:
        walk.close()


def test_one_command_after_the_other(server: Server) -> None:
    user = account(server, "sequential")
    walk = Walk(user, seed())
    run(walk, STEPS, int(os.environ.get("MODEL_STEPS", 2500)))
    assert walk.count.lines > walk.count.steps


def test_several_commands_at_once(server: Server) -> None:
    user = account(server, "concurrent")
    walk = Walk(user, seed(), each_worker=3)
    run(walk, {**STEPS, burst: 150}, int(os.environ.get("MODEL_STEPS", 1000)))
    assert walk.count.lines > walk.count.steps


def test_workers_are_killed(server: Server) -> None:
    user = account(server, "killed")
    walk = Walk(user, seed())
    run(walk, {**STEPS, burst: 40, kill: 2, kill_within: 5}, 150)
    assert walk.count.kills


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_for_long(server: Server) -> None:
    """SOAK_SECONDS of all of it, a new account every 5,000 steps."""
    end = time.monotonic() + float(os.environ.get("SOAK_SECONDS", 600))
    steps = kills = accounts = 0
    while (left := end - time.monotonic()) > 0:
        accounts += 1
        user = account(server, f"soak{accounts}")
        walk = Walk(user, seed(), each_worker=3)
        run(walk, {**STEPS, burst: 100, kill: 1, kill_within: 3}, 5_000, left)
        steps, kills = steps + walk.count.steps, kills + walk.count.kills
    print(f"{steps} steps, workers killed {kills} times", file=sys.stderr)
    assert kills
