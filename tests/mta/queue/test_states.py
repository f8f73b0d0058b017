"""The states are the same in the code, in the schema and in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from posthouse.mta.queue.states import ENDED, TRANSITIONS, State
from posthouse.store.migrate import schemas

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "queue.md"


def test_the_schema_has_them() -> None:
    sql = schemas()[0][1]
    check = re.search(r"CHECK \(state IN \(([^)]*)\)", sql)
    assert check is not None
    assert re.findall(r"'(\w+)'", check[1]) == [state.value for state in State]


def test_the_page_has_them() -> None:
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith("|") and "---" not in line
    ]
    assert [row[0] for row in rows if len(row) == 2][1:] == [state.value for state in State]
    moves = {(row[0], row[1]): row[2] for row in rows if len(row) == 4 and row[0] != "from"}
    assert moves == {
        (old.value if old else "", new.value): ", ".join(movers)
        for (old, new), movers in TRANSITIONS.items()
    }


def test_an_end_is_an_end() -> None:
    assert not any(old in ENDED for old, _ in TRANSITIONS)
    assert {new for _, new in TRANSITIONS} == set(State)
