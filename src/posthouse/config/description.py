"""Settings described: for people, for error messages and for the reference page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from . import Config
from .part import FILE, Part
from .relay import in_long_form

NAME = "NAME"  # stands for the names in a table of named ones


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, described."""

    key: str  # "listen.smtp"
    type: str
    unit: str
    default: object
    text: str
    named: bool = False  # one for each NAME that the operator chooses, as in routes.NAME.to


def describe(
    part: type[Part] = Config, prefix: str = "", *, named: bool = False
) -> Iterator[Setting]:
    """Every setting, in order."""
    hints = get_type_hints(part, include_extras=True)
    for member in msgspec.structs.fields(part):
        kind, meta = _unwrap(hints[member.name])
        if isinstance(kind, type) and issubclass(kind, Part):
            yield from describe(kind, f"{prefix}{member.name}.")
            continue
        if get_origin(kind) is dict:
            (each,) = (k for k in get_args(get_args(kind)[1]) if issubclass(k, Part))
            yield from describe(each, f"{prefix}{member.name}.{NAME}.", named=True)
            continue
        default = member.default if member.default_factory is msgspec.NODEFAULT else None
        if default is None and member.default_factory is not msgspec.NODEFAULT:
            default = member.default_factory()
        if default is msgspec.NODEFAULT:
            default = None
        unit = str((meta.extra or {}).get("unit", ""))
        key = f"{prefix}{member.name}"
        yield Setting(key, _type_name(kind), unit, default, meta.description or "", named)


def named_files(config: Config) -> Iterator[tuple[str, str]]:
    """The files that settings name: the key of each, and what it says."""
    for setting in describe():
        if setting.unit != FILE:
            continue
        if setting.named:
            table, name = setting.key.split(f".{NAME}.")
            assert table == "routes", "the only table of named ones"
            for each, route in in_long_form(config.routes).items():
                yield f"{table}.{each}.{name}", getattr(route, name)
        else:
            part, name = setting.key.split(".")
            yield setting.key, getattr(getattr(config, part), name)


def _unwrap(hint: Any) -> tuple[Any, Meta]:
    if get_origin(hint) is Annotated:
        kind, meta, *_ = get_args(hint)
        return kind, meta
    return hint, Meta()


def _type_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " | ".join(repr(value) for value in get_args(kind))
    if get_origin(kind) is list:
        return "list of strings"
    names = {int: "integer", float: "number", bool: "true or false", str: "string"}
    return names[kind]
