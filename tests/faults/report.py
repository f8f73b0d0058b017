"""`python -m tests.faults.report [SCALE]`: lose the power at every sync of a long run, and write
`docs/explanation/power-loss.md`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .losing_power import VARIANTS, Report, lose_power

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "power-loss.md"
COMMAND = "python -m tests.faults.report"
SCALE, SEED = 3, 1

TEXT = """\
# What a power failure leaves

What was answered 250, OK or +OK survives the loss of power at any moment; what was refused leaves
no trace; a recipient here gets a letter once; a letter to another site arrives at least once, and a
second time only if the power failed between the other site's 250 and our note of it. This page says
how that is tried, and what came of it the last time.

Write it anew, from a checkout, in some minutes:

    make power-loss        # {command}

A short form of the same runs in `make test` (`tests/faults/test_whole_way.py`).

## How it is tried

A whole worker runs in one process, as `posthouse serve` starts it, and people use it over sockets:
letters come by SMTP, go out by submission, to other sites, to one that refuses them (so that
reports are made), and to accounts here; somebody works in their mailboxes by IMAP, somebody reads
and deletes by POP3. Under SQLite and under the files of large contents lies a layer that writes
down every write, sync and new name (`tests/faults/disk.py`). Syncs are written down and not done.
Each answer that a client gets is written down too, with how long that list was then.

Then the power fails before and after every sync of that run. For each of these moments the disk is
built as it may be found, in {variants} ways:

{variant_list}

A name is there once its directory was synced, a content once its file was; POSIX promises no more.
On each disk the worker is started again, sends and delivers what waits, and all of this is looked
at (`tests/faults/whole_way.py`):

- SQLite finds the database whole; counters count what they say; contents have as many users as they
  say; every message has its content, its summary, its mailbox;
- each letter that was answered 250 is once with each recipient here, and every octet of it is as it
  was sent; to other sites it has been sent; of who was refused there the sender has one report;
- what was refused is nowhere; what was deleted by POP3 has not come back;
- what was relayed and noted is not sent again;
- the owner's mailboxes, with their UIDs, UIDVALIDITYs, mod-sequences, flags and tombstones, are as
  after the last command that was answered, or the one that was under way.

## What came of it

| | |
|---|---:|
{rows}

| synced | times |
|---|---:|
{syncs}

| IMAP and POP3 commands answered | times |
|---|---:|
{commands}

The same is done, with more accounts and without sockets, a second failure while coming back among
it, by `tests/faults/test_power_loss.py`; processes that are killed and disks that are full or fail
are in [attacks and faults](attacks.md).
"""


def render(report: Report) -> str:
    """The page."""
    return TEXT.format(
        command=COMMAND,
        variants={1: "one", 2: "two", 3: "three"}[len(VARIANTS)],
        variant_list="\n".join(f"- {name}." for name, _ in VARIANTS),
        rows=table(
            ("writes, syncs and names of the run", report.writes),
            ("letters answered 250", report.letters),
            ("of which other sites took, by recipient", report.relayed),
            ("moments at which the power failed", report.points),
            ("disks built, started on and looked at", report.lives),
            ("promises looked after, over all of them", report.promises),
            ("letters sent to other sites after a failure", report.again),
            ("of which the other site had taken before", report.again_in_doubt),
            ("promises broken", len(report.wrong)),
        ),
        syncs=table(*sorted(report.syncs.items())),
        commands=table(*sorted(report.commands.items())),
    )


def table(*rows: tuple[str, int]) -> str:
    return "\n".join(f"| {what} | {count:,} |" for what, count in rows)


def progress(report: Report) -> None:
    if report.points % 20 == 0:
        print(
            f"{report.points} moments, {report.lives} disks, {len(report.wrong)} wrong", flush=True
        )


def main(arguments: list[str]) -> int:
    scale = int(arguments[0]) if arguments else SCALE
    with tempfile.TemporaryDirectory(prefix="power-loss-") as folder:
        report = lose_power(Path(folder), SEED, scale, tell=progress)
    print("\n".join(report.wrong[:40]) or "nothing is wrong")
    PAGE.write_text(render(report), encoding="utf-8")
    print(f"wrote {PAGE}")
    return 1 if report.wrong else 0


def headings(page: str) -> Iterator[str]:
    """What a page is made of, without what is another in each run."""
    for line in page.splitlines():
        yield line.rpartition(" | ")[0] if line.startswith("| ") else line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
