"""The other servers, each set up from its packages in a folder of its own."""

from __future__ import annotations

import pwd
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "bench password"


class Missing(Exception):
    """The peer cannot be run here; bears the reason."""


@dataclass(slots=True)
class Kept:
    """A command under a keeper; its output goes to a file."""

    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    output: IO[bytes] | None = None

    def start(self) -> int:
        """Start; the keeper's process id."""
        self.output = self.log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.keeper", *self.command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        return self.process.pid

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()  # what is measured must not be lost for it
                self.process.wait()
        if self.output is not None:
            self.output.close()


class Peer:
    """A server that can be measured: a context that has it running."""

    name = ""
    version = ""
    settings: tuple[str, ...] = ()  # what the figures depend on, printed beside them
    fillers = 8  # connections that fill a mailbox

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: dict[str, int] = {}
        self.users: list[str] = []  # who gets letters
        self.reader = "reader@bench.example"  # whose letters are fetched
        self.keeper = 0  # process id
        self._kept: Kept | None = None

    def prepare(self) -> list[str]:
        """Write the configuration and take ports; the command to run."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self._kept = Kept(self.prepare(), self.folder / "output")
        self.keeper = self._kept.start()
        try:
            for port in self.ports.values():
                await_greeting(port)
        except BaseException:
            self._kept.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._kept is not None:
            self._kept.stop()


class Spooling(Peer):
    """A server that puts what it has accepted into mailboxes later."""

    def undelivered(self) -> int:
        """Letters in its queue that are on their way."""
        raise NotImplementedError

    def delivered(self) -> int:
        """Letters in the mailboxes, each as often as there are copies."""
        raise NotImplementedError


def free_ports(count: int) -> list[int]:
    """Loopback ports that nothing listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def await_greeting(port: int, *, patience: float = 20.0) -> None:
    """Wait until a server greets on the port."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                if connection.recv(512):
                    return
        except OSError:
            time.sleep(0.05)
    raise Missing(f"no greeting on port {port} after {patience:.0f} s")


def installed_version(package: str) -> str:
    """Debian's version of a package; empty when it is not installed."""
    try:
        done = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", package],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def user_id(name: str) -> tuple[int, int]:
    """uid and gid of a system user."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Missing(f"no user {name}") from None
    return entry.pw_uid, entry.pw_gid
