"""The supervisor, by its processes: what dies is started again, what is told to end ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from posthouse.runtime.worker import run_in_child

SOURCE = Path(__file__).parents[2] / "src"
SUPERVISED = Path(__file__).with_name("supervised.py")
PATIENCE = 20.0


class Program:
    """A running `supervised.py`."""

    def __init__(self, directory: Path, grace: float = 10.0, mode: str = "serve") -> None:
        (directory / "generation").write_text("first")
        self.process = subprocess.Popen(
            [sys.executable, str(SUPERVISED), str(directory), str(grace), mode],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout
        self.port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            for pid in self.workers():
                os.kill(pid, signal.SIGKILL)
            self.process.kill()
        self.process.communicate()

    def await_ready(self) -> None:
        service, where = self.output.readline().split()[1:]
        assert service == "smtp"
        self.port = int(where.rpartition(":")[2])
        assert self.output.readline() == "ready\n"

    def ask(self, command: bytes = b".") -> tuple[int, str]:
        """The pid and the word of some worker."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as peer:
            pid, word = peer.makefile().readline().split()
            peer.sendall(command)
            if command == b"h":
                assert peer.makefile().readline() == "hanging\n"
            return int(pid), word

    def workers(self) -> set[int]:
        pid = self.process.pid
        return {int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with Program(tmp_path) as program:
        program.await_ready()
        yield program


def test_a_killed_worker_is_replaced(program: Program) -> None:
    before = program.workers()
    assert len(before) == 2
    killed = before.pop()
    os.kill(killed, signal.SIGKILL)
    until(lambda: killed not in program.workers() and len(program.workers()) == 2)
    for _ in range(20):  # also those that the kernel gives to the socket of the dead one
        assert program.ask()[0] in program.workers()


def test_all_workers_killed_again_and_again(program: Program) -> None:
    for _ in range(5):
        before = program.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda gone=before: len(program.workers() - gone) == 2)  # type: ignore[misc]
        assert program.ask()[0] in program.workers()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_is_clean(program: Program, number: int) -> None:
    workers = program.workers()
    program.process.send_signal(number)
    assert program.process.wait(PATIENCE) == 0
    assert all(gone(pid) for pid in workers)


def test_a_worker_that_hangs_is_killed_after_its_grace(tmp_path: Path) -> None:
    with Program(tmp_path, grace=0.3) as program:
        program.await_ready()
        hanging, _ = program.ask(b"h")
        program.process.terminate()
        assert program.process.wait(PATIENCE) == 0
        assert gone(hanging)


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with Program(tmp_path, grace=60.0) as program:
        program.await_ready()
        program.ask(b"h")
        program.process.terminate()
        until(lambda: len(program.workers()) == 1)
        program.process.terminate()
        assert program.process.wait(PATIENCE) == 0


def test_workers_end_with_their_parent(program: Program) -> None:
    workers = program.workers()
    program.process.kill()
    until(lambda: all(gone(pid) for pid in workers))


def test_sighup_puts_new_workers_in_place(program: Program, tmp_path: Path) -> None:
    before = program.workers()
    (tmp_path / "generation").write_text("second")
    program.process.send_signal(signal.SIGHUP)
    until(lambda: len(program.workers()) == 2 and not program.workers() & before)
    assert {program.ask()[1] for _ in range(10)} == {"second"}


def test_the_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with Program(tmp_path) as program:
            program.await_ready()
            assert manager.recv(4096) == b"READY=1\nSTATUS=2 workers serve"
            program.process.send_signal(signal.SIGHUP)
            assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", manager.recv(4096))
            assert manager.recv(4096).startswith(b"READY=1\n")
            program.process.send_signal(signal.SIGTERM)
            assert manager.recv(4096) == b"STOPPING=1"
            assert program.process.wait(PATIENCE) == 0


def test_a_worker_that_never_starts_is_given_up(tmp_path: Path) -> None:
    with Program(tmp_path, mode="broken") as program:
        _, log = program.process.communicate(timeout=PATIENCE)
        assert program.process.returncode == 1
        assert "given up" in log
        assert log.count("worker failed") <= 10


def test_what_fails_in_a_child_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    def fails() -> int:
        raise RuntimeError("broken")

    assert run_in_child(lambda: 3) == 3
    assert run_in_child(fails) == 1
    assert "RuntimeError: broken" in capfd.readouterr().err


def test_a_data_directory_is_served_once(program: Program, tmp_path: Path) -> None:
    with Program(tmp_path) as second:
        assert second.process.wait(PATIENCE) == 1
        assert f"process {program.process.pid};" in second.output.read()


def test_attack_65_a_killed_server_leaves_no_lock(tmp_path: Path) -> None:
    with Program(tmp_path) as first:
        first.await_ready()
        first.process.kill()
        first.process.wait()
        with Program(tmp_path) as second:
            second.await_ready()
