"""Attacks that the code cannot be led to, since what they need is not in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "posthouse"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path, node


def test_attack_52_no_program_is_started() -> None:
    """No shell, no other program; so nothing that a letter says can become a command."""
    for path, node in nodes():
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
            assert not names & {"subprocess", "pty", "shlex", "pickle"}, path
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            called = f"{node.value.id}.{node.attr}"
            assert not called.startswith(("os.system", "os.popen", "os.exec", "os.spawn")), path
            assert called not in ("pickle.loads", "marshal.loads", "yaml.load"), path
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec"), path


def test_attack_75_names_of_events_are_few() -> None:
    """What a log line is about is a constant, or of an enumeration: never what a peer chose."""
    found = 0
    for path, node in nodes():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        whose = ast.unparse(node.func.value)
        if node.func.attr in LEVELS and whose.rpartition(".")[2].strip("_") in ("log", "logger"):
            event = node.args[0]
            of_enum = isinstance(event, ast.Attribute) and event.attr == "value"
            assert isinstance(event, ast.Constant) or of_enum, f"{path}:{node.lineno}"
            found += 1
    assert found > 10
