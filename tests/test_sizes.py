"""What is written stays short enough to be read, and says what it is."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "posthouse"
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE = 600  # lines
LONGEST_FUNCTION = 60
MEDIAN = 8
#: Longer ones, each for a reason: a constructor that makes part after part, a statement each.
LONGER = {("main.py", "__init__"): 90}
PLAIN = 5  # lines of a function that may speak for itself

Function = ast.FunctionDef | ast.AsyncFunctionDef

files = pytest.mark.parametrize(
    "file", [pytest.param(file, id=str(file.relative_to(SOURCE))) for file in FILES]
)


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Every function with its lines; what it has of inner functions counts as its own."""
    for node in ast.walk(tree(file)):
        if isinstance(node, Function):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


@files
def test_files_and_functions_are_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    path = str(file.relative_to(SOURCE))
    most = {name: most for (where, name), most in LONGER.items() if where == path}
    sizes = functions(file)
    assert [each for each in sizes if each[1] > most.get(each[0], LONGEST_FUNCTION)] == []


def test_most_functions_are_very_short() -> None:
    assert statistics.median(size for file in FILES for _, size in functions(file)) <= MEDIAN


@files
def test_modules_and_public_functions_say_what_they_are(file: Path) -> None:
    assert ast.get_docstring(tree(file)), "the module has no docstring"
    silent = [
        node.name
        for node in tree(file).body
        if isinstance(node, Function)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and (node.end_lineno or 0) - node.lineno >= PLAIN
    ]
    assert silent == []
