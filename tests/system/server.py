"""A real Posthouse for tests: `python -m posthouse serve` on free ports in a folder of its own.

with Server(workers=2, settings={"limits.errors": 5}) as server:
    server.add_account("anna@localhost", "secret")
    smtplib.SMTP(*server.address("smtp"))
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

SOURCE = Path(__file__).resolve().parents[2] / "src"
SERVICES = ("smtp", "submission", "submissions", "lmtp", "pop3", "pop3s", "imap", "imaps")
PASSWORD = "correct horse"  # of every account that was given none


class NotReady(Exception):
    """The server ended or said nothing more before its `ready` line; bears what it logged."""


class Server:
    """A running server, its ports, accounts and processes; `with` starts and stops it.

    Without `data` it lives in a temporary folder, removed at the end.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        settings: Mapping[str, object] | None = None,
        data: Path | None = None,
        services: Iterable[str] = SERVICES,
        command: tuple[str, ...] = (sys.executable, "-m", "posthouse"),
        wrapper: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        patience: float = 60.0,
    ) -> None:
        self._temporary = tempfile.mkdtemp(prefix="posthouse-") if data is None else None
        self.data = Path(self._temporary or str(data))
        self.command = command
        self.wrapper = wrapper  # put before the command that serves
        self.patience = patience
        offered = set(services)
        self._settings: dict[str, object] = {
            f"listen.{name}": "127.0.0.1:0" if name in offered else "" for name in SERVICES
        }
        self._settings |= {"workers": workers} | dict(settings or {})
        self._environment = dict(environment or {})
        self._ports: dict[str, int] = {}
        self._domains = {"localhost"}
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader: threading.Thread | None = None
        self._log: list[str] = []

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Start, and wait for `ready`; a second start takes the ports of the first."""
        if self._process is not None:
            raise RuntimeError("already running")
        arguments = ["serve", "--data", str(self.data)]
        for key, value in self._settings.items():
            arguments += ["--set", f"{key}={_written(value)}"]
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            [*self.wrapper, *self.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            env=self._variables(),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.daemon = True
        self._reader.start()
        self._await_ready()

    def stop(self, *, at_once: bool = False) -> int:
        """End by SIGTERM (or SIGKILL to parent and workers `at_once`); the exit status."""
        process = self._process
        if process is None:
            return 0
        if at_once:
            _kill_group(process.pid)
        else:
            process.terminate()
        try:
            status = process.wait(self.patience)
        except subprocess.TimeoutExpired:
            raise NotReady(f"not ended {self.patience:.0f} s after SIGTERM\n{self.log()}") from None
        finally:
            self._bury(process)
        return status

    def restart(self, *, at_once: bool = False) -> None:
        """Stop and start again on the same data and ports."""
        self.stop(at_once=at_once)
        self.start()

    def close(self) -> None:
        """Stop, and remove the temporary folder; never raises for a server that is gone."""
        try:
            if self._process is not None and self._process.poll() is None:
                self.stop()
            elif self._process is not None:
                self._bury(self._process)
        finally:
            if self._temporary is not None:
                shutil.rmtree(self._temporary, ignore_errors=True)

    # -- looking at it ------------------------------------------------------------------------

    def port(self, service: str) -> int:
        return self._ports[service]

    def address(self, service: str) -> tuple[str, int]:
        return "127.0.0.1", self._ports[service]

    def log(self) -> str:
        """All it has printed since its first start."""
        return "\n".join(self._log)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def pids(self) -> list[int]:
        """The workers now: the children of the process that was started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill_workers(self) -> list[int]:
        """SIGKILL to every worker; the parent starts others. Those that were killed."""
        killed = []
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed.append(pid)
        return killed

    def tls(self) -> ssl.SSLContext:
        """What a client needs to trust the self-signed certificate: nothing is checked."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    # -- its commands -------------------------------------------------------------------------

    def run(self, *arguments: str, given: str = "", expect: int | None = 0) -> str:
        """`posthouse --data DIR ARGUMENTS...` beside the server; what it printed on stdout."""
        done = subprocess.run(
            [*self.command, "--data", str(self.data), *arguments],
            input=given,
            capture_output=True,
            text=True,
            env=self._variables(),
            timeout=self.patience,
            check=False,
        )
        if expect is not None and done.returncode != expect:
            raise AssertionError(
                f"posthouse {' '.join(arguments)}: status {done.returncode}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done.stdout

    def add_domain(self, name: str) -> None:
        if name not in self._domains:
            self.run("domain", "add", name)
            self._domains.add(name)

    def add_account(self, address: str, password: str = PASSWORD) -> str:
        """Add one account (and its domain, if new); the address again."""
        self.add_domain(address.rpartition("@")[2])
        self.run("account", "add", address, "--password-stdin", given=f"{password}\n")
        return address

    def add_accounts(self, addresses: Iterable[str], password: str = PASSWORD) -> list[str]:
        """Add many at once, one password for all."""
        names = list(addresses)
        for domain in sorted({name.rpartition("@")[2] for name in names}):
            self.add_domain(domain)
        listed = self.data / "accounts.import"
        listed.write_text("".join(f"{name}\n" for name in names))
        self.run("account", "import", str(listed), "--password-stdin", given=f"{password}\n")
        return names

    # -- within -------------------------------------------------------------------------------

    def _variables(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
        return os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | self._environment

    def _read(self, output: IO[str]) -> None:
        lines = self._lines
        for line in output:
            self._log.append(line.rstrip("\n"))
            lines.put(self._log[-1])
        lines.put(None)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise NotReady(f"not ready after {self.patience:.0f} s\n{self.log()}") from None
            if line is None:
                raise NotReady(f"ended before it was ready\n{self.log()}")
            match line.split():
                case ["listening", service, address]:
                    self._ports[service] = int(address.rpartition(":")[2])
                    self._settings[f"listen.{service}"] = address
                case ["ready"]:
                    return

    def _bury(self, process: subprocess.Popen[str]) -> None:
        """Leave no process and no pipe behind."""
        _kill_group(process.pid)
        process.wait()
        if self._reader is not None:
            self._reader.join(self.patience)
        if process.stdout is not None:
            process.stdout.close()
        self._process = None
        self._reader = None


def _written(value: object) -> str:
    """A setting's value as the command line takes it."""
    if isinstance(value, list | tuple):
        return ",".join(map(_written, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
