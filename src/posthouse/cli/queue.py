"""posthouse queue: what waits for delivery."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..mta.queue.listing import Entry, list_queue, summarise_queue
from ..mta.queue.operating import AT_ONCE, end, hold, release, retry
from ..mta.queue.selection import Selection
from ..mta.queue.states import State
from ..mua.cli.house import Refused, data_option, house, json_option, print_list, printable, when
from ..runtime.hostname import own_name
from ..store.unit import Unit

if TYPE_CHECKING:
    from ..mta.queue.concluding import Report

F = TypeVar("F", bound=Callable[..., Any])

MOST = 1_000_000  # recipients that one command ends
WAITING = ("held", "ready", "leased", "deferred")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def _age(_ctx: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    """Seconds of a time such as 90s, 15m, 4h, 5d."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,9})([smhdw])", value)
    if match is None:
        raise click.BadParameter(f"{value!r}: expected a number with s, m, h, d or w, as in 4h")
    return int(match[1]) * SECONDS[match[2]]


def selecting(command: F) -> F:
    """The filters, each of which narrows the choice."""
    for option in reversed(
        (
            click.option("--sender", help="Only of this sender; <> is the null reverse-path."),
            click.option("--recipient", help="Only for this recipient; * stands for any text."),
            click.option("--next-hop", help="Only for this next hop; local is this site."),
            click.option("--state", type=click.Choice(WAITING), help="Only in this state."),
            click.option(
                "--older",
                metavar="AGE",
                callback=_age,
                help="Only what came longer ago: 90s, 15m, 4h, 5d.",
            ),
            click.option("--reason", help="Only what met something with these words."),
        )
    ):
        command = option(command)
    return click.argument("names", metavar="[ID]...", nargs=-1)(command)


def acting(command: F) -> F:
    """Filters for a command that changes something: to mean all is to be said."""
    command = click.option("--all", "everything", is_flag=True, help="All that waits.")(command)
    return data_option(json_option(selecting(command)))


def _selection(
    names: tuple[str, ...],
    sender: str | None,
    recipient: str | None,
    next_hop: str | None,
    state: str | None,
    older: int | None,
    reason: str | None,
) -> Selection:
    before = None if older is None else int(time.time()) - older
    return Selection(names, sender, recipient, next_hop, state, before, None, reason)


def _chosen(everything: bool, **filters: Any) -> Selection:
    selection = _selection(**filters)
    if selection.is_all != everything:
        raise click.UsageError("say which: by ID, by filters such as --next-hop, or by --all")
    return selection


@click.group()
def queue() -> None:
    """What waits for delivery."""


@queue.command("list")
@selecting
@click.option("--most", type=click.IntRange(1), default=10_000, help="At most so many recipients.")
@json_option
@data_option
def show_list(as_json: bool, most: int, **filters: Any) -> None:
    """List the recipients that wait, the oldest letter first.

    \b
    posthouse queue list --next-hop example.net --older 4h
    posthouse queue list --state deferred --reason greylist --json
    """
    rows = [_row(entry) for entry in house().read(list_queue(_selection(**filters), most))]
    columns = ("id", "received", "octets", "sender", "recipient", "state", "due", "tries", "reason")
    print_list(rows, columns, as_json, "nothing waits")


def _row(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.name,
        "received": when(entry.received),
        "octets": entry.size,
        "sender": entry.reverse_path or "<>",
        "recipient": entry.forward_path,
        "next_hop": entry.next_hop,
        "state": entry.state,
        "due": when(entry.due),
        "tries": entry.tries,
        "reason": entry.reason,
    }


@queue.command("show")
@click.argument("name", metavar="ID")
@json_option
@data_option
def show_one(name: str, as_json: bool) -> None:
    """Show the letter ID: where it came from, and what each recipient waits for."""
    entries = house().read(list_queue(Selection((name,))))
    if not entries:
        raise Refused(f"there is no letter {name} in the queue; see posthouse queue list")
    first = entries[0]
    letter = {
        "id": first.name,
        "received": when(first.received),
        "from": first.source,
        "octets": first.size,
        "sender": first.reverse_path or "<>",
    }
    recipients = [_details(entry) for entry in entries]
    if as_json:
        click.echo(json.dumps({**letter, "recipients": recipients}, indent=2))
        return
    for key, value in letter.items():
        click.echo(printable(f"{key:10}{value}"))
    for recipient in recipients:
        click.echo("")
        for key, value in recipient.items():
            if value not in ("", 0, None):
                text = printable(str(value)).replace("\n", "\\n")
                click.echo(f"{key.replace('_', ' '):10}{text}")


def _details(entry: Entry) -> dict[str, object]:
    return {
        "recipient": entry.forward_path,
        "original": entry.original,
        "next_hop": entry.next_hop,
        "state": entry.state,
        "lease": entry.lease,
        "due": when(entry.due),
        "tries": entry.tries,
        "tried": when(entry.tried) if entry.tried else None,
        "warned": bool(entry.warned),
        "reason": entry.reason,
        "status": entry.status,
        "remote": entry.remote,
        "reply": entry.reply,
    }


@queue.command("summary")
@selecting
@json_option
@data_option
def summary(as_json: bool, **filters: Any) -> None:
    """Count what waits by next hop and reason, the most first."""
    rows: list[dict[str, object]] = [
        {
            "next_hop": hop.next_hop,
            "recipients": hop.recipients,
            "held": hop.held,
            "ready": hop.ready,
            "leased": hop.leased,
            "deferred": hop.deferred,
            "oldest": when(hop.oldest),
            "next_due": when(hop.next_due),
            "reason": hop.reason,
        }
        for hop in house().read(summarise_queue(_selection(**filters)))
    ]
    columns = ("next_hop", "recipients", "held", "ready", "leased", "deferred", "oldest")
    print_list(rows, (*columns, "next_due", "reason"), as_json, "nothing waits")


def _repeat(unit: Callable[[], Unit[int]]) -> int:
    """Until nothing more is found, in parts that others can write between."""
    total = 0
    while True:
        changed = house().write(unit())
        total += changed
        if changed < AT_ONCE:
            return total


def _say(done: str, changed: int, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({done: changed}))
    elif changed:
        click.echo(f"{done} {changed} recipient{'s' * (changed != 1)}")
    else:
        raise Refused(f"nothing was {done}: no such recipient waits; see posthouse queue list")


@queue.command("hold")
@acting
def hold_(as_json: bool, everything: bool, **filters: Any) -> None:
    """Hold back what waits, until it is released. What is being tried now is let alone."""
    selection = _chosen(everything, **filters)
    _say("held", _repeat(lambda: hold(selection)), as_json)


@queue.command("release")
@acting
def release_(as_json: bool, everything: bool, **filters: Any) -> None:
    """Let go what was held; it is tried at once."""
    selection = _chosen(everything, **filters)
    _say("released", _repeat(lambda: release(selection, int(time.time()))), as_json)


@queue.command("retry")
@acting
def retry_(as_json: bool, everything: bool, **filters: Any) -> None:
    """Try now what waits for its next try.

    \b
    posthouse queue retry --next-hop example.net
    """
    selection = _chosen(everything, **filters)
    now = int(time.time())
    _say("made ready", _repeat(lambda: retry(selection, now)), as_json)


@queue.command("remove")
@acting
def remove(as_json: bool, everything: bool, **filters: Any) -> None:
    """Remove what waits, and tell nobody. What is being tried now is let alone."""
    _say("removed", _end(_chosen(everything, **filters)), as_json)


@queue.command("bounce")
@click.option("--text", default="An operator of this site has ended it.", help="What is reported.")
@acting
def bounce(as_json: bool, everything: bool, text: str, **filters: Any) -> None:
    """End what waits, and report to its senders that it was not delivered.

    \b
    posthouse queue bounce --recipient "*@exmaple.org" --text "There is no such domain."
    """
    from ..message.reports.dsn import Action
    from ..mta.queue.outcome import Trouble
    from ..mta.queue.queue import outgoing_state
    from ..mta.report.reporter import Reporter
    from .config import load_settings

    settings = load_settings()
    reporter = Reporter(
        house(), settings.hostname or own_name(), time.time, settings.delivery.separator
    )

    def report(entries: Sequence[Entry], numbers: Sequence[int]) -> Report | None:
        trouble = Trouble(text, "5.0.0")
        troubles = {
            each.number: replace(trouble, status=_permanent(each.status), reply=each.reply)
            for each in entries
            if each.number in numbers
        }
        return reporter.report(entries, troubles, Action.FAILED)

    outgoing = outgoing_state(settings.queue.hold_outgoing)
    _say("bounced", _end(_chosen(everything, **filters), report, outgoing), as_json)


def _permanent(status: str) -> str:
    """The last try's status, as one that will not change."""
    return f"5{status[1:]}" if status[:1] in ("4", "5") else "5.0.0"


def _end(
    selection: Selection,
    report: Callable[[Sequence[Entry], Sequence[int]], Report | None] = lambda *_: None,
    outgoing: State = State.READY,
) -> int:
    """Letter by letter, so that each report is in the transaction that gives cause for it."""
    total = 0
    chosen = house().read(list_queue(selection, MOST))
    for message, group in groupby(chosen, lambda each: each.message):
        entries = [each for each in group if each.state != "leased"]
        if entries:
            numbers = [each.number for each in entries]
            unit = end(message, numbers, int(time.time()), report(entries, numbers), outgoing)
            total += house().write(unit)
    return total
