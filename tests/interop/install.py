"""Installs the clients that these tests use, where it can: `python tests/interop/install.py`

Programs by apt-get (as root), libraries for Python into this environment, libraries for Node.js
below it. It says what it installed, what was there and what is skipped, and never fails: a test
whose client is missing is skipped and says so.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

#: Programs, and the packages of Debian that they are in.
PROGRAMS = {
    "alpine": "alpine",
    "curl": "curl",
    "fetchmail": "fetchmail",
    "getmail": "getmail6",
    "imapfilter": "imapfilter",
    "mailutil": "uw-mailutils",
    "mbsync": "isync",
    "mpop": "mpop",
    "msmtp": "msmtp",
    "neomutt": "neomutt",
    "node": "nodejs",
    "npm": "npm",
    "nsd": "nsd",
    "offlineimap": "offlineimap3",
    "swaks": "swaks",
}
BESIDE = {"swaks": ("libnet-ssleay-perl",)}  # for TLS
#: Modules of Python, and what they are called on PyPI.
MODULES = {
    "aioimaplib": "aioimaplib>=2,<3",
    "aiosmtplib": "aiosmtplib>=4,<6",
    "deltachat_rpc_server": "deltachat-rpc-server>=2,<3",
    "imap_tools": "imap-tools>=1.10,<2",
    "imapclient": "IMAPClient>=3,<5",
}
#: Packages of npm.
PACKAGES = {"imapflow": "imapflow@>=1 <3", "nodemailer": "nodemailer@>=7 <11"}
PATIENCE = 600  # seconds for one of the installers
NODE = Path(sys.prefix) / "interop"  # where they go


def program(name: str) -> str | None:
    """Where it is; what runs as a service may be where only root looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


def package(name: str) -> Path | None:
    """Where a package of npm is."""
    folder = NODE / "node_modules" / name
    return folder if (folder / "package.json").is_file() else None


def run(*command: str, **variables: str) -> bool:
    """Run one of the installers; whether it went well."""
    try:
        done = subprocess.run(
            command,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"{Path(command[0]).name}: not ready after {PATIENCE} s")
        return False
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        print(f"{Path(command[0]).name}: {said[0] if said else done.returncode}")
    return done.returncode == 0


def install_programs() -> None:
    missing = [name for name in PROGRAMS if program(name) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("not root, or no apt-get: no program is installed")
        return
    apt_get = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120")
    run(*apt_get, "update")
    for name in missing:
        packages = (PROGRAMS[name], *BESIDE.get(name, ()))
        if name == "nsd" and shutil.which("systemctl"):  # it is not to serve this machine
            run("systemctl", "mask", "nsd")
            print("nsd: not started as a service (`systemctl unmask nsd` lets it)")
        if run(
            *apt_get,
            "install",
            "--no-install-recommends",
            *packages,
            DEBIAN_FRONTEND="noninteractive",
        ):
            print(f"{name}: installed ({', '.join(packages)})")


def install_modules() -> None:
    """By the pip of this environment, or of the Python that it was made from."""
    missing = [MODULES[name] for name in MODULES if importlib.util.find_spec(name) is None]
    if not missing:
        return
    pip: tuple[str, ...] = (sys.executable, "-m", "pip")
    if importlib.util.find_spec("pip") is None:
        below = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
        pip = (str(below), "-m", "pip", "--python", sys.executable)
    quiet = ("install", "--quiet", "--disable-pip-version-check")
    for wanted in missing:
        run(*pip, *quiet, wanted)
    importlib.invalidate_caches()


def install_packages() -> None:
    missing = [PACKAGES[name] for name in PACKAGES if package(name) is None]
    if not missing or shutil.which("npm") is None:
        return
    NODE.mkdir(parents=True, exist_ok=True)
    (NODE / "package.json").write_text('{"private": true}\n')
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    run("npm", "install", "--prefix", str(NODE), *quiet, *missing)


def version(name: str) -> str:
    """Of a module or package that is there."""
    folder = package(name)
    if folder is not None:
        return str(json.loads((folder / "package.json").read_text())["version"])
    return importlib.metadata.version(name.replace("_", "-"))


def main() -> int:
    install_programs()
    install_modules()
    install_packages()
    skipped = []
    for name, source in PROGRAMS.items():
        if found := program(name):
            print(f"{name}: {found}")
        else:
            skipped.append(f"{name} (Debian's package {source})")
    for name, source in MODULES.items():
        if importlib.util.find_spec(name):
            print(f"{name}: {version(name)}, of PyPI")
        else:
            skipped.append(f"{name} (PyPI: {source})")
    for name, source in PACKAGES.items():
        if package(name):
            print(f"{name}: {version(name)}, of npm")
        else:
            skipped.append(f"{name} (npm: {source})")
    for what in skipped:
        print(f"missing, its tests are skipped: {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
