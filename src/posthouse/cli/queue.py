"""posthouse queue: what waits for delivery."""

from __future__ import annotations

import click

from ..mta.queue.units import list_queue
from ..mua.cli.house import data_option, house, json_option, print_list, when


@click.group()
def queue() -> None:
    """What waits for delivery."""


@queue.command("list")
@json_option
@data_option
def show(as_json: bool) -> None:
    """List the recipients that wait, the oldest letter first."""
    rows: list[dict[str, object]] = [
        {
            "id": entry.name,
            "received": when(entry.received),
            "octets": entry.size,
            "sender": entry.reverse_path or "<>",
            "recipient": entry.forward_path,
            "state": entry.state,
            "due": when(entry.due),
            "tries": entry.tries,
            "reason": entry.reason,
        }
        for entry in house().read(list_queue())
    ]
    print_list(
        rows,
        ("id", "received", "octets", "sender", "recipient", "state", "tries", "reason"),
        as_json,
        "nothing waits",
    )
