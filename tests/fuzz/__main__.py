"""`FUZZ_SECONDS=60 FUZZ_SEED=1 python -m tests.fuzz [target...]`; without names, all targets."""

from __future__ import annotations

import os
import sys
import time
import traceback

from tests.fuzz import corpus
from tests.fuzz.fuzzing import Failure, Progress, fuzz, smaller
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS


def main(names: list[str]) -> int:
    unknown = set(names) - TARGETS.keys()
    if unknown:
        print(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
        return 2
    seconds = float(os.environ.get("FUZZ_SECONDS", "20"))
    seed = int(os.environ.get("FUZZ_SEED", time.time_ns() & 0xFFFFFFFF))
    chosen = [TARGETS[name] for name in names or TARGETS]
    print(f"{len(chosen)} targets, {seconds:g} s each; again with FUZZ_SEED={seed}", flush=True)
    failed = sum(run(target, seed, seconds) for target in chosen)
    print(f"{failed} of {len(chosen)} targets went wrong" if failed else "nothing went wrong")
    return 1 if failed else 0


def run(target: Target, seed: int, seconds: float) -> bool:
    """Whether something went wrong."""
    print(f"{target.name}:", flush=True)
    failure = fuzz(target, seed, seconds, tell)
    if failure is not None:
        report(target, failure)
    return failure is not None


def tell(progress: Progress) -> None:
    print(
        f"  {progress.inputs:8} inputs, {progress.kept:5} of them new,"
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
