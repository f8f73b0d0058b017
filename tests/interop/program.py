"""Runs a program and wants it to end well."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.system.server import Server

PATIENCE = 60.0


def need(name: str) -> str:
    """The path of a program; the test is skipped when there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(
    *command: str,
    given: bytes | str = b"",
    expect: int = 0,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run it; what it printed on standard output."""
    done = subprocess.run(
        [need(command[0]), *command[1:]],
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        timeout=PATIENCE,
        env=environment,
        check=False,
    )
    printed = done.stdout.decode(errors="backslashreplace")
    assert done.returncode == expect, (
        f"{' '.join(command)}: status {done.returncode}\n{printed}"
        f"{done.stderr.decode(errors='backslashreplace')}"
    )
    return printed


def certificate(server: Server, folder: Path) -> Path:
    """The server's certificate as a PEM file, for clients that must trust it."""
    path = folder / "certificate.pem"
    path.write_text(ssl.get_server_certificate(server.address("imaps")))
    return path
