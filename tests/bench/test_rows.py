"""A row runs: few letters, sent to a Posthouse as the bench sends them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench.corpus import LETTERS, realistic
from bench.ours import Posthouse1
from bench.page import read, written
from bench.peers.machine import Machine
from bench.rows import ROWS, limits, lmtp, smtp
from bench.rows.base import Broken, Figures, Row, Subject
from bench.table import Cell, keep, table

FEW = smtp.Sending(2, 3, 12)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with Posthouse1(tmp_path_factory.mktemp("bench") / "ours") as peer:
        yield Subject(peer)


@pytest.mark.parametrize(
    "measure",
    [
        pytest.param(smtp.accept(FEW), id="accept"),
        pytest.param(smtp.accept(replace(FEW, pipelined=True)), id="accept pipelined"),
        pytest.param(smtp.deliver(replace(FEW, kind="realistic")), id="deliver realistic"),
        pytest.param(smtp.deliver(replace(FEW, to=10, each=1)), id="deliver to 10"),
        pytest.param(lmtp.file(replace(FEW, to=3)), id="lmtp to 3"),
        pytest.param(lmtp.file(replace(FEW, pipelined=True)), id="lmtp pipelined"),
    ],
)
def test_letters_are_measured(subject: Subject, measure: smtp.Measure) -> None:
    figures = measure(subject)
    assert figures.cpu > 0
    assert 0 < figures.p50 <= figures.p99


def test_a_refused_letter_is_no_measurement(subject: Subject) -> None:
    users, subject.peer.users = subject.peer.users, ["nobody@bench.example"]
    try:
        with pytest.raises(Broken, match="expected 1 250"):
            lmtp.file(FEW)(subject)
    finally:
        subject.peer.users = users


@pytest.mark.parametrize("action", ["append", "append-shared", "new-file", "round-trips"])
def test_limits_are_measured(tmp_path: Path, action: str) -> None:
    with Machine(tmp_path / "machine") as machine:
        assert limits.limit(action, 40, 2)(Subject(machine)).rate > 0
        assert not [path for path in machine.folder.rglob("*") if path.is_file()]


def test_the_mix_is_what_it_says_and_always_the_same() -> None:
    sizes = sorted(len(realistic(number)) for number in range(LETTERS))
    assert 13_500 < sizes[LETTERS // 2] < 14_500
    assert 61_000 < sum(sizes) / LETTERS < 65_000
    assert realistic(3) != realistic(3 + LETTERS)
    assert realistic(3).replace(b".3@", b".1003@", 1) == realistic(3 + LETTERS)


def test_names_are_of_one_row_each() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))


def row_of(goal: float | dict[str, float], most: float | None = None) -> Row:
    def unmeasured(_subject: Subject) -> Figures:
        raise Broken("not run")

    return Row("a-row", "text", ("a", "b", "posthouse-1"), unmeasured, goal, most)


def cells_of(row: Row) -> list[Cell]:
    return [
        Cell(row, "a", [Figures(1.0, 10, 1, 2), Figures(3.0, 10, 1, 2), Figures(2.0, 10, 1, 2)]),
        Cell(row, "b", trouble="not installed"),
        Cell(row, "posthouse-1", [Figures(0.5, 10, 1, 2)]),
    ]


def test_the_table_shows_medians_goals_and_who_is_missing() -> None:
    lines = table(cells_of(row_of({"a": 0.3}, most=0.5))).split("\n")
    assert [text.strip() for text in lines[2].split("|")[3:-1]] == [
        *("2.00", "10.0", "1.00", "2.00", "0.25", "0.30 met"),
    ]
    assert "skipped: not installed" in lines[3]
    assert "0.50 ms met" in lines[4]


def test_goals_that_are_missed_and_peers_without_one() -> None:
    assert "0.20 NOT MET" in table(cells_of(row_of(0.2)))
    lines = table(cells_of(row_of({}))).split("\n")
    assert "MET" not in lines[2].upper()


def test_the_page_is_written_from_what_was_kept(tmp_path: Path) -> None:
    row = next(row for row in ROWS if row.name == "accept-kept")
    cell = Cell(row, "posthouse-1", [Figures(0.25, 10, 1, 2)])
    first = keep(tmp_path / "first", [cell], {"cpu": "old"}, {"posthouse-1": "x"})
    cell.rounds[:] = [Figures(0.125, 10, 1, 2)]
    second = keep(tmp_path / "second", [cell], {"cpu": "new"}, {"posthouse-1": "y"})
    told = json.loads(second.read_text())["cells"][0]
    assert told["median"]["cpu"] == 0.125
    rows = "<!-- rows: accept-* -->\nold\n<!-- end -->\n"
    others = "<!-- rows: fetch-* -->\nnot measured this time\n<!-- end -->\n"
    text = f"# Title\n{rows}after\n{others}"
    new = written(text, read([first, second]))
    assert "0.125" in new
    assert "0.250" not in new
    assert "old\n" not in new
    assert "- posthouse-1: y" in new
    assert "cpu new" in new
    assert new.endswith(others)
    assert written(new, read([first, second])) == new
