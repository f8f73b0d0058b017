"""Runs other people's clients, and wants them to end well."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pty
import signal
import ssl
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.interop.install import NODE, package, program
from tests.system.server import Server

LAST_WORDS = 8192  # octets of what a program said that did not end
PATIENCE = 60.0
HERE = Path(__file__).parent


def need(name: str) -> str:
    """The path of a program; the test is skipped when there is none."""
    found = program(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def need_module(name: str) -> Any:
    """A library of PyPI; the tests of the file are skipped when there is none."""
    try:
        return importlib.import_module(name)
    except ImportError:
        pytest.skip(f"{name} is not installed (PyPI)", allow_module_level=True)


def run(
    *command: str,
    given: bytes | str = b"",
    expect: int = 0,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run it; what it printed on standard output."""
    printed, _warned = run_both(*command, given=given, expect=expect, environment=environment)
    return printed


def run_both(
    *command: str,
    given: bytes | str = b"",
    expect: int = 0,
    environment: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """Run it; what it printed on standard output and on standard error."""
    try:
        done = subprocess.run(
            [need(command[0]), *command[1:]],
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            timeout=PATIENCE,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        said = b"".join(part[-LAST_WORDS:] for part in (late.stdout, late.stderr) if part)
        raise AssertionError(
            f"{' '.join(command)}: not at its end after {PATIENCE:.0f} s\n"
            f"{said.decode(errors='backslashreplace')}"
        ) from None
    printed = done.stdout.decode(errors="backslashreplace")
    warned = done.stderr.decode(errors="backslashreplace")
    assert done.returncode == expect, (
        f"{' '.join(command)}: status {done.returncode}\n{printed}{warned}"
    )
    return printed, warned


def node(script: str, **given: object) -> Any:
    """Run a script of `node/` with some values; what it gives back. Its packages must be there."""
    name = script.partition("-")[0]
    if package(name) is None:
        pytest.skip(f"{name} is not installed (npm)")
    path = HERE / "node" / f"{script}.cjs"
    variables = os.environ | {"NODE_PATH": str(NODE / "node_modules")}
    return json.loads(run("node", str(path), given=json.dumps(given), environment=variables))


def home(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a person whose home is this folder."""
    return os.environ | {"HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8"} | variables


def certificate(server: Server, folder: Path) -> Path:
    """The server's certificate as a PEM file, for clients that must trust it."""
    path = folder / "certificate.pem"
    path.write_text(ssl.get_server_certificate(server.address("imaps")))
    return path


def fingerprint(server: Server, kind: str) -> str:
    """The digest of the server's certificate, as clients want it: pairs with colons."""
    import hashlib

    octets = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(server.address("imaps")))
    digest = hashlib.new(kind, octets).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


class Terminal:
    """A program on a terminal; `seen` is what it has drawn."""

    def __init__(self, *command: str, environment: Mapping[str, str]) -> None:
        self._screen, terminal = pty.openpty()
        self._process = subprocess.Popen(
            [need(command[0]), *command[1:]],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment,
            start_new_session=True,
        )
        os.close(terminal)
        self._drawn: list[bytes] = []
        self._more = threading.Condition()
        self._looked = 0
        self._reader = threading.Thread(target=self._drain)
        self._reader.start()

    def _drain(self) -> None:
        """Read what is drawn until the terminal is closed."""
        with contextlib.suppress(OSError):
            while drawn := os.read(self._screen, 4096):
                with self._more:
                    self._drawn.append(drawn)
                    self._more.notify_all()

    @property
    def seen(self) -> str:
        return b"".join(self._drawn).decode(errors="replace")

    def expect(self, text: str, patience: float = 20) -> None:
        """Wait until this is drawn, after what was waited for before."""
        with self._more:
            if not self._more.wait_for(lambda: text in self.seen[self._looked :], patience):
                self.kill()
                pytest.fail(f"{text!r} is not drawn\n{self.seen}")
            self._looked = self.seen.index(text, self._looked) + len(text)

    def type(self, keys: str) -> None:
        os.write(self._screen, keys.encode())

    def end(self, expect: int = 0, patience: float = 20) -> str:
        """Wait until it ends, well; all that it has drawn."""
        try:
            status = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it did not end\n{self.seen}")
        finally:
            self.kill()
        assert status == expect, f"status {status}\n{self.seen}"
        return self.seen

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(PATIENCE)
        with contextlib.suppress(OSError):
            os.close(self._screen)
