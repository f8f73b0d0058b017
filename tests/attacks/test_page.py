"""The page of attacks names every test that bears a number, in the row of that number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "attacks.md").read_text(encoding="utf-8")
ROWS = {int(number): rest for number, rest in re.findall(r"^\| (\d+) \|(.*)$", PAGE, re.MULTILINE)}


def numbered() -> Iterator[tuple[int, str, Path]]:
    """Number, name and file of every test of an attack."""
    for path in sorted(ROOT.glob("tests/**/test_*.py")):
        text = path.read_text(encoding="utf-8")
        for name, numbers in re.findall(r"^def (test_attack_((?:\d+_)+)\w+)", text, re.MULTILINE):
            yield from ((int(number), name, path) for number in numbers.strip("_").split("_"))
    for path in sorted(ROOT.glob("tests/**/transcripts/attack-*")):
        yield int(path.name.split("-")[1]), path.name, path


def test_every_test_is_in_its_row() -> None:
    missing = [
        f"{number}: {name}"
        for number, name, _ in numbered()
        if f"`{name}`" not in ROWS.get(number, "") and f"`attack-{number:02}-*`" not in ROWS[number]
    ]
    assert missing == []


def test_every_row_has_tests() -> None:
    there = {number for number, _, _ in numbered()}
    assert ROWS.keys() <= there
