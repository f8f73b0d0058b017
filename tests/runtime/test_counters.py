"""Counters that several processes share."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from posthouse.runtime.clock import SetClock
from posthouse.runtime.counters import SETS, SIZE, Counters
from posthouse.runtime.networks import Networks


def test_a_rate(tmp_path: Path) -> None:
    """As many as there may be in a minute, at once; then one for each that is paid off."""
    clock = SetClock()
    counters = Counters(tmp_path, clock.monotonic)
    clock.move(1000)
    key = counters.key("connection", "192.0.2.1")
    assert [counters.take(key, 60 / 4, 60) for _ in range(6)] == [True] * 4 + [False] * 2
    clock.move(14.9)
    assert not counters.take(key, 60 / 4, 60)
    clock.move(0.2)
    assert counters.take(key, 60 / 4, 60)
    assert not counters.take(key, 60 / 4, 60)
    other = counters.key("connection", "192.0.2.2")
    assert counters.take(other, 60 / 4, 60)
    clock.move(61)
    assert counters.debt(key) == 0
    counters.close()


def test_a_debt_has_an_end_and_can_be_forgotten(tmp_path: Path) -> None:
    clock = SetClock()
    counters = Counters(tmp_path, clock.monotonic)
    clock.move(1)
    key = counters.key("log-in", "ann")
    for _ in range(100):
        counters.add(key, 60, 600)
    assert counters.debt(key) == pytest.approx(600, abs=0.1)
    counters.clear(key)
    assert counters.debt(key) == 0
    counters.close()


def test_a_machine_that_was_started_again_owes_nothing(tmp_path: Path) -> None:
    """The moments of another boot say nothing: neither the file's words, nor a clock set back."""
    clock = SetClock()
    counters = Counters(tmp_path, clock.monotonic)
    clock.move(30 * 86_400)
    key = counters.key("log-in", "ann")
    counters.add(key, 60, 600)
    clock._monotonic = 5.0
    assert counters.debt(key) == 0
    counters.close()
    path = tmp_path / "run" / "counters"
    octets = bytearray(path.read_bytes())
    octets[10] ^= 1
    path.write_bytes(octets)
    counters = Counters(tmp_path, clock.monotonic)
    assert counters.key("log-in", "ann") != key
    counters.close()


def test_a_torn_file_is_made_anew_while_others_have_it(tmp_path: Path) -> None:
    clock = SetClock()
    counters = Counters(tmp_path, clock.monotonic)
    (tmp_path / "run" / "counters").rename(tmp_path / "elsewhere")
    (tmp_path / "run" / "counters").write_bytes(b"torn")
    again = Counters(tmp_path, clock.monotonic)
    for each in (counters, again):
        assert each.take(each.key("x", "y"), 1, 1)
        each.close()


def test_the_file_does_not_grow(tmp_path: Path) -> None:
    """However many come, the one who owes most is not forgotten for them."""
    clock = SetClock()
    counters = Counters(tmp_path, clock.monotonic)
    clock.move(1)
    key = counters.key("log-in", "ann")
    counters.add(key, 600, 600)
    for number in range(SETS):
        counters.add(counters.key("log-in", str(number)), 10, 600)
    assert counters.debt(key) == pytest.approx(600, abs=0.1)
    assert (tmp_path / "run" / "counters").stat().st_size == SIZE
    counters.close()


def test_without_a_disk_each_counts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker serves though there is no space for the file."""

    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    counters = Counters(tmp_path, SetClock().monotonic)
    key = counters.key("x", "y")
    assert [counters.take(key, 1, 1) for _ in range(2)] == [True, False]
    counters.close()
    assert not (tmp_path / "run" / "counters").exists()


def _take_many(directory: Path, granted: multiprocessing.Queue[int]) -> None:
    counters = Counters(directory, time.monotonic)
    key = counters.key("recipient", "192.0.2.1")
    taken = 0
    for _ in range(2000):
        taken += counters.take(key, 3600 / 2000, 3600)
        time.sleep(random.random() * 0.0002)  # peers come when they like, not in step
    granted.put(taken)


def test_processes_count_together(tmp_path: Path) -> None:
    """One of two at the same moment may go uncounted; by far most are counted."""
    context = multiprocessing.get_context("spawn")
    granted: multiprocessing.Queue[int] = context.Queue()
    processes = [context.Process(target=_take_many, args=(tmp_path, granted)) for _ in range(2)]
    for process in processes:
        process.start()
    total = sum(granted.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert 2000 <= total < 3000
    counters = Counters(tmp_path, time.monotonic)
    assert not counters.take(counters.key("recipient", "192.0.2.1"), 3600 / 200, 3600)
    counters.close()


def test_a_process_that_is_killed_leaves_nothing_locked(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    granted: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=_take_for_ever, args=(tmp_path, granted))
    process.start()
    granted.get(timeout=60)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    counters = Counters(tmp_path, time.monotonic)
    assert counters.debt(counters.key("x", "y")) > 0
    counters.close()


def _take_for_ever(directory: Path, granted: multiprocessing.Queue[int]) -> None:
    counters = Counters(directory, time.monotonic)
    key = counters.key("x", "y")
    counters.add(key, 60, 600)
    granted.put(1)
    while True:
        counters.add(key, 1, 600)


def test_networks() -> None:
    networks = Networks(["127.0.0.0/8", "::1/128"], 24)
    assert networks.of("127.9.0.1") == networks.of("::1") == networks.of("::ffff:127.0.0.1") == ""
    assert networks.of("192.0.2.7") == networks.of("::ffff:192.0.2.200") == "192.0.2.0/24"
    assert networks.of("2001:db8::1%eth0") == networks.of("2001:db8::2:3:4:5")
    assert networks.of("2001:db8:0:1::1") != networks.of("2001:db8::1")
    assert Networks().of("192.0.2.7") != Networks().of("192.0.2.8")
