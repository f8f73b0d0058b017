"""Log lines: one an event, nothing that a peer sent can make two or speak to a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.runtime.log import VALUE_LIMIT, open_log


def test_a_line_says_time_level_event_and_values() -> None:
    lines: list[bytes] = []
    log = open_log(write=lines.append).bind(session="s1")
    log.info("accepted", sender="<ann@example.org>", octets=1, tls=True, note="two words")
    log.debug("not written")
    (line,) = lines
    time, rest = line.decode().split(" ", 1)
    assert time.startswith("time=2")
    assert rest == (
        "level=info event=accepted session=s1 sender=<ann@example.org> octets=1 tls=yes"
        ' note="two words"\n'
    )


def test_secrets_are_not_written() -> None:
    lines: list[bytes] = []
    open_log(write=lines.append).info("log-in", password="geheim")
    assert b"geheim" not in lines[0]


@pytest.mark.parametrize("named", [True, False])
def test_an_exception_is_one_line(named: bool) -> None:
    lines: list[bytes] = []
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        open_log(write=lines.append).error("failed", exc_info=error if named else True)
    (line,) = lines
    assert line.count(b"\n") == 1
    assert b"ValueError: two" in line
    assert b"test_an_exception_is_one_line" in line


@given(st.text() | st.binary(), st.sampled_from(["text", "json"]))
def test_attack_52_whatever_a_peer_sends(value: object, layout: str) -> None:
    lines: list[bytes] = []
    open_log(layout, write=lines.append).info("event", value=value)
    (line,) = lines
    text = line.decode()
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    if layout == "json":
        assert set(json.loads(text)) == {"time", "level", "event", "value"}


def test_long_values_are_cut() -> None:
    lines: list[bytes] = []
    open_log(write=lines.append).info("event", value="x" * 10_000)
    assert len(lines[0]) < VALUE_LIMIT + 200


LOGS_MUCH = """
import asyncio, sys
from posthouse.runtime.log import Gathered, open_log

lines = Gathered()
log = open_log(write=lines.write)

async def main():
    for _ in range(20):
        for _ in range(100):
            log.info("much", who=sys.argv[1], text="y" * 80)
        await asyncio.sleep(0)

asyncio.run(main())
"""


def test_lines_of_several_processes_do_not_mix() -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)  # as when nobody reads quickly
    command = [sys.executable, "-c", LOGS_MUCH]
    both = [subprocess.Popen([*command, who], stderr=writing) for who in "ab"]
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().splitlines()
    assert [process.wait() for process in both] == [0, 0]
    expected = re.compile(rb"time=\S+ level=info event=much who=[ab] text=y{80}")
    assert [line for line in lines if not expected.fullmatch(line)] == []
    assert len(lines) == 4000
