"""Installs the servers that the bench measures, where it can: `python -m bench.install`

Debian's packages of mail servers exclude each other: what cannot be installed is unpacked into a
folder of /opt, where the bench looks for it. It never fails: a server that is missing is left out
of the table, which says so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

INSTALLED = {
    "postfix": ("postfix",),
    "dovecot": ("dovecot-imapd", "dovecot-lmtpd", "dovecot-pop3d"),
}
UNPACKED = {"/opt/exim4": ("exim4-daemon-light",)}
USERS = ("Debian-exim",)  # that the unpacked ones want to become
PYTHON = {"/opt/aiosmtpd": "aiosmtpd"}
ENVIRONMENTS = {"/opt/pymap": "pymap"}  # that have a program


def run(*command: str, folder: Path | None = None) -> bool:
    """Run a command; whether it went well."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{' '.join(command[:3])}: {done.stderr.strip().rpartition(chr(10))[2]}")
    return done.returncode == 0


def install() -> None:
    for program, packages in INSTALLED.items():
        if shutil.which(program) is None:
            run("apt-get", "-q", "-y", "install", "--no-install-recommends", *packages)


def unpack() -> None:
    for place, packages in UNPACKED.items():
        if Path(place).exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            if run("apt-get", "-q", "download", *packages, folder=Path(folder)):
                for package in Path(folder).glob("*.deb"):
                    run("dpkg", "-x", str(package), place)


def add_users() -> None:
    known = {entry.pw_name for entry in pwd.getpwall()}
    for user in USERS:
        if user not in known:
            run("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", user)


def install_python() -> None:
    for place, package in PYTHON.items():
        if not Path(place).exists():
            run(sys.executable, "-m", "pip", "install", "-q", "--target", place, package)
    for place, package in ENVIRONMENTS.items():
        if not Path(place, "bin", package).exists() and run(sys.executable, "-m", "venv", place):
            run(f"{place}/bin/python", "-m", "pip", "install", "-q", package)


def main() -> int:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("not root, or not on Debian: nothing is installed")
        return 0
    run("apt-get", "-q", "update")
    install()
    unpack()
    add_users()
    install_python()
    programs = [f"{place}/bin/{package}" for place, package in ENVIRONMENTS.items()]
    for name in (*INSTALLED, *UNPACKED, *PYTHON, *programs):
        print(f"{name}: {'there' if shutil.which(name) or Path(name).exists() else 'missing'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
