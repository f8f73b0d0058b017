"""Installs the programs that these tests use, where it can: `python -m tests.interop.install`

Says what it installed, what was there and what is skipped. It never fails: a test whose program
is missing is skipped and says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PACKAGES = {"curl": "curl", "swaks": "swaks", "mbsync": "isync", "neomutt": "neomutt"}
BESIDE = {"swaks": ("libnet-ssleay-perl",)}  # for TLS


def missing() -> list[str]:
    return [program for program in PACKAGES if shutil.which(program) is None]


def apt_get(*arguments: str) -> bool:
    """Run apt-get; whether it went well."""
    done = subprocess.run(
        ["apt-get", "-q", "-y", *arguments],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"apt-get {arguments[0]}: {done.stderr.strip().rpartition(chr(10))[2]}")
    return done.returncode == 0


def install(programs: list[str]) -> None:
    if os.geteuid() != 0:
        print("not root: nothing is installed")
        return
    if shutil.which("apt-get") is None:
        print("no apt-get: nothing is installed")
        return
    apt_get("update")
    for program in programs:
        packages = (PACKAGES[program], *BESIDE.get(program, ()))
        if apt_get("install", "--no-install-recommends", *packages):
            print(f"{program}: installed ({', '.join(packages)})")


def main() -> int:
    wanted = missing()
    if wanted:
        install(wanted)
    left = missing()
    for program, package in PACKAGES.items():
        found = shutil.which(program)
        said = found or f"missing, its tests are skipped (package {package})"
        print(f"{program}: {said}")
    if left:
        print(f"skipped: {', '.join(left)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
