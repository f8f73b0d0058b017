"""`python -m bench.limits`: does a server serve others among thousands of hostile clients?

Two Posthouse workers with their defaults serve a few good clients, first alone, then while many
connections are held by clients who say nothing, send an octet a minute, pour lines without end, do
not read what they ask for, or guess (tests/attacks/horde.py says how each does so). Printed are how
long the good clients waited, how many connections were held and put out, and the memory.
"""

from __future__ import annotations

import argparse
import resource

from tests.attacks.crowd import Outcome, run
from tests.attacks.horde import MIX, WAYS

from posthouse.config import Config


def show(outcome: Outcome, workers: int) -> None:
    print("| what others did | alone: median | p99 | among them: median | p99 |")
    print("|---|---:|---:|---:|---:|")
    for what in outcome.alone.times:
        cells = [
            f"{served.percentile(what, share) * 1000:.1f} ms"
            for served in (outcome.alone, outcome.among)
            for share in (0.5, 0.99)
        ]
        print(f"| {what} | {' | '.join(cells)} |")
    print()
    print("| hostile clients | connected at the end | put out, and back again |")
    print("|---|---:|---:|")
    opened, ended = outcome.stand["open"], outcome.stand["ends"]
    for kind in WAYS:
        print(f"| {kind} | {opened.get(kind, 0)} | {ended.get(kind, 0)} |")
    print()
    most = Config().limits.memory
    print(f"failures of good clients: {len(outcome.alone.failures)}, {len(outcome.among.failures)}")
    for each in outcome.among.failures[:5]:
        print(f"    {each}")
    print(
        f"memory of the largest of {workers} workers: {outcome.before / 1e6:.0f} MB alone,"
        f" at most {outcome.most / 1e6:.0f} MB among them; limits.memory is {most / 1e6:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.limits", description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=90.0, help="alone, and among them")
    parser.add_argument("--rate", type=float, default=10.0, help="good clients a second, each kind")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=tuple(WAYS), help="hostile clients of one kind")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    mix = {options.only: 1} if options.only else MIX
    outcome = run(
        options.connections,
        options.seconds,
        rate=options.rate,
        workers=options.workers,
        mix=mix,
    )
    show(outcome, options.workers)


if __name__ == "__main__":
    main()
