"""Attacks that the code cannot be led to, since what they need is not in it."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "posthouse"
PROJECT = SOURCE.parents[1] / "pyproject.toml"
SECRET = re.compile(r"secret|digest|proof|signature|password|token|stored_key|server_key|mac")
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


def named(node: ast.AST) -> set[str]:
    """The last of the names that make up an operand; none of a length, or of a yes and no."""
    if isinstance(node, ast.Call):
        inner = node.func
        if isinstance(inner, ast.Name) and inner.id in ("len", "bool"):
            return set()
        return named(inner).union(*map(named, node.args))
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return {node.id} if isinstance(node, ast.Name) else set()


def test_attack_28_secrets_are_compared_in_constant_time() -> None:
    """Where a secret, or what proves it, is compared, it is by `hmac.compare_digest`."""
    found = 0
    for path, node in nodes():
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            for name in named(node.left).union(*map(named, node.comparators)):
                assert not SECRET.search(name.lower()), f"{path}:{node.lineno}: {name}"
        if isinstance(node, ast.Attribute) and node.attr == "compare_digest":
            found += 1
    assert found >= 3


def test_attack_51_no_link_is_followed_where_something_is_written() -> None:
    """Every file that is made by the system call is made with O_NOFOLLOW."""
    made = 0
    for path, node in nodes():
        if isinstance(node, ast.Assign | ast.Call) and "os.O_CREAT" in (text := ast.unparse(node)):
            assert "os.O_NOFOLLOW" in text, f"{path}:{node.lineno}"
            made += 1
    assert made > 3


def test_attack_72_what_is_installed_is_little() -> None:
    """Each package is one more that could be another's; `docs/dependencies.md` answers for them."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    assert len(project["dependencies"]) <= 10
    assert not any("@" in each or "http" in each for each in project["dependencies"])
