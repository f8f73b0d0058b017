"""`FUZZ_SECONDS=60 FUZZ_SEED=1 python -m tests.fuzz [target...]`; without names, all targets.

The seconds are those of the processor, so that a busy machine tries as much as one at rest.
With FUZZ_KEEP=1, the smallest of the inputs that show something new are kept for the next time.
"""

from __future__ import annotations

import os
import sys
import time
import traceback

from tests.fuzz import corpus
from tests.fuzz.fuzzing import Failure, Progress, fuzz, smaller, worth_keeping
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

HEAD = "| target | seconds | of the processor | inputs | that showed more | features | found |"
RULE = "|---|--:|--:|--:|--:|--:|---|"


def main(names: list[str]) -> int:
    unknown = set(names) - TARGETS.keys()
    if unknown:
        print(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
        return 2
    seconds = float(os.environ.get("FUZZ_SECONDS", "20"))
    seed = int(os.environ.get("FUZZ_SEED", time.time_ns() & 0xFFFFFFFF))
    chosen = [TARGETS[name] for name in names or TARGETS]
    print(f"{len(chosen)} targets, {seconds:g} s each; again with FUZZ_SEED={seed}", flush=True)
    lines = []
    failed = 0
    for target in chosen:
        progress, line = run(target, seed, seconds)
        failed += progress.failure is not None
        lines.append(line)
    print("\n".join((HEAD, RULE, *lines)))
    print(f"{failed} of {len(chosen)} targets went wrong" if failed else "nothing went wrong")
    return 1 if failed else 0


def run(target: Target, seed: int, seconds: float) -> tuple[Progress, str]:
    """What came of it, and its line of the table."""
    print(f"{target.name}:", flush=True)
    begun, used = time.monotonic(), time.process_time()
    progress = fuzz(target, seed, seconds, tell)
    took, used = time.monotonic() - begun, time.process_time() - used
    line = (
        f"| {target.name} | {took:.0f} | {used:.0f} | {progress.inputs} | {len(progress.new)}"
        f" | {progress.features} | {'a failure' if progress.failure else 'nothing'} |"
    )
    if os.environ.get("FUZZ_KEEP"):
        chosen = worth_keeping(target, progress.new)
        corpus.keep(target.name, chosen)
        print(f"  {len(chosen):8} inputs kept, {sum(map(len, chosen))} octets", flush=True)
    if progress.failure is not None:
        report(target, progress.failure)
    return progress, line


def tell(progress: Progress) -> None:
    print(
        f"  {progress.inputs:8} inputs, {len(progress.new):5} of them new,"
        f" {progress.features:6} features",
        flush=True,
    )


def report(target: Target, failure: Failure) -> None:
    lines = traceback.format_exception(failure.error, limit=-6)
    print("".join(f"  {line}\n" for line in "".join(lines).splitlines()))
    octets = smaller(target, failure)
    print(f"  {len(octets)} octets: {octets[:300]!r}")
    print(f"  kept as {corpus.save(target.name, octets)}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
