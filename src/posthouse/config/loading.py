"""Settings read: from the file, and from `--set KEY=VALUE`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from . import Config
from .checks import complaints
from .description import NAME, describe

FILE_NAME = "posthouse.toml"


class Wrong(Exception):
    """The settings cannot be used: says the place, the key and what is expected."""


def load(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """The settings of a file (None: no file), with `key=value` overrides over them."""
    tree = _read(path) if path is not None else {}
    _convert(tree, str(path))
    for override in overrides:
        _override(tree, override)
    config = _convert(tree, "--set" if overrides else str(path))
    place = str(path) if path is not None and not overrides else "settings"
    for complaint in complaints(config):
        raise Wrong(f"{place}: {complaint}")
    return config


def find(data: Path, given: Path | None) -> Path | None:
    """The settings file: the one given, else the one in the data directory, if there is one."""
    if given is not None:
        return given
    path = data / FILE_NAME
    return path if path.is_file() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Wrong(f"{path}: not TOML: {error}") from None


def _convert(tree: Mapping[str, Any], place: str) -> Config:
    try:
        return msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        raise Wrong(f"{place}: {_explain(str(error))}") from None


def _explain(error: str) -> str:
    """Say msgspec's error as key first, and for an unknown key the known ones."""
    what, _, where = error.partition(" - at `$")
    key = where.rstrip("`").lstrip(".")
    unknown = re.search(r"unknown field `([^`]*)`", what)
    if unknown is None:
        expected = "".join(f" ({s.type})" for s in describe() if s.key == key)
        return f"{key or 'settings'}: {what[:1].lower()}{what[1:]}{expected}"
    full = f"{key}.{unknown[1]}" if key else unknown[1]
    known = [s.key for s in describe() if s.key.rpartition(".")[0] == key] or [
        s.key for s in describe()
    ]
    return f"{full}: no such setting; expected one of {', '.join(known)}"


def _override(tree: dict[str, Any], override: str) -> None:
    """Set a `key=value`. A list's values are divided by commas."""
    key, equals, text = override.partition("=")
    kinds = {setting.key: setting.default for setting in describe()}
    if not equals:
        raise Wrong(f"--set {override}: expected KEY=VALUE, as in listen.smtp=127.0.0.1:0")
    *tables, name = _path(key)
    kind = ".".join((tables[0], NAME, name)) if len(tables) == 2 else key
    if kind not in kinds:
        raise Wrong(f"--set {key}: no such setting; `posthouse config describe` lists them")
    for table in tables:
        found = tree.setdefault(table, {})
        if isinstance(found, str):  # a route in its short form
            found = tree[table] = {"to": found}
        tree = found
    tree[name] = _value(key, text, kinds[kind])


def _path(key: str) -> list[str]:
    """A key's parts. The NAME of routes.NAME.to has dots of its own."""
    table, _, rest = key.partition(".")
    name, _, field_name = rest.rpartition(".")
    return [table, name, field_name] if name else [part for part in (table, rest) if part]


def _value(key: str, text: str, default: object) -> object:
    if isinstance(default, list):
        return [item.strip() for item in text.split(",") if item.strip()]
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise Wrong(f"--set {key}: expected true or false, got {text!r}")
        return text == "true"
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            kind = "an integer" if isinstance(default, int) else "a number"
            raise Wrong(f"--set {key}: expected {kind}, got {text!r}") from None
    return text
