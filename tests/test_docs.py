"""The documentation is complete and true: what it names exists, and what exists is named."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
from docs import generate

from posthouse.cli.root import posthouse
from posthouse.config import Config
from posthouse.config.description import describe, named_files
from posthouse.config.listen import services
from posthouse.config.loading import load
from posthouse.protocols.imap.commands import ALL as IMAP_COMMANDS
from posthouse.protocols.imap.extensions import ALL as IMAP_EXTENSIONS
from posthouse.protocols.pop3.capabilities import ALL as CAPABILITIES
from posthouse.protocols.sasl import MECHANISMS
from posthouse.protocols.smtp.extensions import EXTENSIONS
from posthouse.routing import check

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "posthouse"
PAGES = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))

pages = pytest.mark.parametrize("page", [pytest.param(p, id=p.name) for p in PAGES])

BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")
NAMED = re.compile(r"`([\w./]+\.py)` `([\w.]+)`")
TEST = re.compile(r"\]\([./]*(tests/[\w./]+\.py)\) `(test_\w+)`")


def text_of(page: str | Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    found = BLOCK.findall(text_of(page))
    return [
        re.sub(f"^{indent}", "", code, flags=re.MULTILINE)
        for indent, kind, code in found
        if kind == language
    ]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every table row but those that make the head."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


@cache
def names_in(file: Path) -> frozenset[str]:
    """Functions, classes and methods (`Class.method`) of a file."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = (n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
            names |= {f"{node.name}.{each.name}" for each in inner}
    return frozenset(names)


# What is named exists


@pages
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(text_of(page)) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pages
def test_files_and_functions_exist(page: Path) -> None:
    for path, name in NAMED.findall(text_of(page)):
        file = SOURCE / path if (SOURCE / path).is_file() else ROOT / path
        assert file.is_file(), f"{page.name} names {path}"
        assert name in names_in(file), f"{page.name} names {name} of {path}"


@pages
def test_tests_exist(page: Path) -> None:
    for path, name in TEST.findall(text_of(page)):
        assert name in names_in(ROOT / path), f"{page.name} names {name} of {path}"


@pages
def test_paths_exist(page: Path) -> None:
    """Paths in backquotes that begin as those of the repository do."""
    for path in re.findall(r"`((?:src|tests|bench|docs)/[\w./*-]+)`", text_of(page)):
        capital = re.search(r"[A-Z]{3,}", path.replace("README", ""))
        assert capital or list(ROOT.glob(path.rstrip("/"))), f"{page.name} names {path}"


@pages
def test_commands_can_be_typed(page: Path) -> None:
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            for at, word in enumerate(words):
                if word in ("posthouse", ".venv/bin/posthouse") and words[at + 1 : at + 2]:
                    check_command(words[at + 1 :], line)
            if words[:1] == ["make"]:
                targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
                assert {word for word in words[1:] if "=" not in word} <= targets, line


def check_command(words: list[str], line: str) -> None:
    """Each word that is a command or an option is one."""
    command: click.Command = posthouse
    for word in words:
        if word in ("<", ">", "|", "&&"):
            break
        known = {name for p in (*posthouse.params, *command.params) for name in p.opts}
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{word} in {line!r}"
        elif isinstance(command, click.Group):
            inner = command.get_command(click.Context(command), word)
            command = inner or command


@pages
def test_settings_can_be_used(page: Path, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(page, "toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(block, encoding="utf-8")
        config = load(file)
        for _, name in named_files(config):
            if name and not Path(name).is_absolute():
                (tmp_path / name).write_text("secret\n", encoding="utf-8")
        check(config, tmp_path)
    keys = {setting.key for setting in describe()}
    tables = {key.partition(".")[0] for key in keys if "." in key}
    named = re.findall(rf"`((?:{'|'.join(tables)})\.\w+)`", text_of(page))
    assert [key for key in named if key not in keys and not key.endswith((".py", ".lock"))] == []


def test_the_example_of_a_protocol_runs() -> None:
    [code] = blocks(ROOT / "docs/explanation/protocols.md", "python")
    exec(compile(code, "protocols.md", "exec"), {})


def test_the_figure_has_our_folders() -> None:
    figure = blocks(ROOT / "README.md", "")[0]
    folders = re.findall(r"\b([a-z]+(?:/[a-z]+)*)/(?=\W)", figure)
    assert len(folders) > 6
    assert [folder for folder in folders if not (SOURCE / folder).is_dir()] == []


# What exists is named


def test_the_readme_says_where_each_service_listens() -> None:
    listen = services(Config().listen)
    lines = {f"listening {name} {at}" for name, places in listen.items() for at in places}
    said = re.findall(r"^listening .*$", text_of("README.md"), re.MULTILINE)
    assert set(said) == lines


@pytest.mark.parametrize("path", [pytest.param(p, id=p.name) for p in generate.pages()])
def test_reference_pages_are_current(path: Path) -> None:
    """`make docs` writes them."""
    assert path.read_text(encoding="utf-8") == generate.pages()[path], "run make docs"


def test_standards_have_a_row_for_all_that_is_offered() -> None:
    table = [cells for cells in rows(text_of("docs/standards.md")) if len(cells) == 6]
    offered = [
        *((str(e.rfc), e.keyword) for e in EXTENSIONS),
        *((c.reference.removeprefix("RFC "), c.tag) for c in CAPABILITIES),
        *((str(e.rfc), e.capability) for e in IMAP_EXTENSIONS),
        *(("3501", name) for name in IMAP_COMMANDS),
        *((str(m.rfc or ""), m.name) for m in MECHANISMS.values()),
    ]
    known = {(cells[0], cells[2].strip("`")) for cells in table if cells[3].startswith("yes")}
    assert [entry for entry in offered if entry not in known] == []


def test_standards_say_where_and_by_what_it_is_shown() -> None:
    for rfc, title, _, status, home, shown in (
        cells for cells in rows(text_of("docs/standards.md")) if len(cells) == 6
    ):
        if rfc == "RFC":
            continue
        kind = re.match(r"yes|partly: |not yet\Z", status)
        assert kind, f"{rfc} {title}: {status}"
        there = kind[0] != "not yet"
        assert bool(home) == bool(shown) == there, f"{rfc} {title}"


def test_tables_of_the_schema_are_on_the_page_of_the_store() -> None:
    schema = "".join(f.read_text() for f in (SOURCE / "store/schema").glob("*.sql"))
    page = text_of("docs/explanation/store.md")
    tables = re.findall(r"CREATE TABLE (\w+)", schema)
    assert [table for table in tables if f"`{table}`" not in page] == []


def test_dependencies_are_explained_and_used() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    run = {re.split(r"[^\w.-]", line)[0] for line in project["dependencies"]}
    extras = project["optional-dependencies"].values()
    others = {re.split(r"[^\w.-]", line)[0] for extra in extras for line in extra}
    table = {c[0].strip("`") for c in rows(text_of("docs/dependencies.md")) if c[0] != "package"}
    assert table == run | others
    code = "\n".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py"))
    modules = {name: {"argon2-cffi": "argon2", "dnspython": "dns"}.get(name, name) for name in run}
    unused = [
        name
        for name, module in modules.items()
        if not re.search(rf"^\s*(?:import|from) {module.partition('.')[0]}\b", code, re.MULTILINE)
    ]
    assert unused == []


def test_invariants_have_tests() -> None:
    text = text_of("ARCHITECTURE.md").partition("## What always holds")[2]
    items = re.split(r"^\d\. ", text, flags=re.MULTILINE)[1:]
    assert len(items) == 8
    assert [item for item in items if not TEST.search(item) and "(tests/" not in item] == []
