"""A worker keeps within its memory by ending those for whom most is held."""

from __future__ import annotations

import resource

import pytest

from posthouse.runtime.census import OTHER_FILES, Census, Limits, room_for
from posthouse.runtime.log import open_log
from posthouse.runtime.memory import LITTLE, Watchman, resident

MEBIBYTE = 1024 * 1024
MOST = 100 * MEBIBYTE


class Held:
    """A connection for which something is held."""

    def __init__(self, held: int) -> None:
        self.held = held
        self.ended = False

    def finish(self) -> None:
        self.abort()

    def abort(self) -> None:
        self.ended = True
        self.held = 0


class House:
    """A worker with some connections, and memory beside them."""

    def __init__(self, beside: int, held: list[int]) -> None:
        self.beside = beside
        self.lines: list[bytes] = []
        self.census = Census(Limits(), open_log(write=self.lines.append))
        self.connections = [Held(each) for each in held]
        for number, each in enumerate(self.connections):
            assert self.census.admit(each, f"192.0.2.{number}")
        self.outgoing = Census(Limits(), open_log(write=self.lines.append))
        self.watchman = Watchman(self.census, self.outgoing, MOST, self.used)

    def used(self) -> int:
        return self.beside + sum(each.held for each in self.connections)

    def ended(self) -> list[bool]:
        return [each.ended for each in self.connections]


def test_nothing_is_done_while_there_is_memory() -> None:
    house = House(50 * MEBIBYTE, [20 * MEBIBYTE, 30 * MEBIBYTE])
    house.watchman.look()
    assert house.ended() == [False, False]
    assert house.census.admit(Held(0), "198.51.100.1")


def test_those_end_for_whom_most_is_held() -> None:
    house = House(50 * MEBIBYTE, [9 * MEBIBYTE, 30 * MEBIBYTE, LITTLE, 20 * MEBIBYTE])
    house.watchman.look()
    assert house.ended() == [False, True, False, False]
    assert not house.census.admit(Held(0), "198.51.100.1")
    house.watchman.look()
    assert house.census.admit(Held(0), "198.51.100.1")
    assert house.ended() == [False, True, False, False]


def test_no_more_end_than_have_to() -> None:
    house = House(50 * MEBIBYTE, [MEBIBYTE] * 60)
    house.watchman.look()
    assert sum(house.ended()) == 20  # so that 90 of 100 are left
    assert house.used() == 90 * MEBIBYTE


def test_who_holds_little_is_not_ended_for_it() -> None:
    """Memory that is not held for connections is not theirs; but no more of them come."""
    house = House(MOST, [LITTLE] * 50)
    house.watchman.look()
    assert not any(house.ended())
    assert not house.census.admit(Held(0), "198.51.100.1")


def test_connections_to_other_hosts_are_among_those_that_end() -> None:
    house = House(50 * MEBIBYTE, [20 * MEBIBYTE, 30 * MEBIBYTE])
    outgoing = Held(40 * MEBIBYTE)
    assert house.outgoing.admit(outgoing, "203.0.113.1")
    house.connections.append(outgoing)
    house.watchman.look()
    assert house.ended() == [False, True, True]
    assert not house.census.admit(Held(0), "198.51.100.1")
    assert house.outgoing.admit(Held(0), "203.0.113.2")


def test_connections_are_taken_again_well_below_the_limit() -> None:
    house = House(MOST + MEBIBYTE, [])
    house.watchman.look()
    house.beside = MOST - MEBIBYTE
    house.watchman.look()
    assert not house.census.admit(Held(0), "198.51.100.1")
    house.beside = MOST // 2
    house.watchman.look()
    assert house.census.admit(Held(0), "198.51.100.1")


def test_it_looks_again_before_the_rest_can_be_filled() -> None:
    house = House(0, [])
    house.watchman = Watchman(house.census, house.outgoing, 2048 * MEBIBYTE, house.used)
    rests = [house.watchman.rest(used * MEBIBYTE) for used in (0, 768, 1024, 2047, 4096)]
    assert rests == [0.5, 0.25, 0.02, 0.02, 0.02]


def test_memory_is_that_of_this_process() -> None:
    before = resident()
    block = bytearray(b"x" * 32 * MEBIBYTE)
    assert resident() - before > 24 * MEBIBYTE
    assert len(block) == 32 * MEBIBYTE


@pytest.mark.parametrize(
    ("files", "room"),
    [(20_000, 10_000), (5_000, 5_000 - 1_000 - OTHER_FILES), (1_000, 500), (80, 40)],
)
def test_no_more_connections_than_descriptors(
    monkeypatch: pytest.MonkeyPatch, files: int, room: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert room_for(10_000, 1_000) == room
