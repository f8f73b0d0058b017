"""posthouse config: check, describe and show the settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from ..config import Config, description, loading
from ..config.relay import in_long_form
from ..mua.cli.house import Refused, data_option, house, json_option

F = TypeVar("F", bound=Callable[..., Any])


def config_options(command: F) -> F:
    """`--config FILE` and `--set KEY=VALUE`."""
    for option in (
        click.option(
            "--set",
            "overrides",
            metavar="KEY=VALUE",
            multiple=True,
            help="Override one setting, as in listen.smtp=127.0.0.1:0; may be repeated.",
        ),
        click.option(
            "--config",
            "file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="The settings file  [default: posthouse.toml in the data directory].",
        ),
    ):
        command = option(command)
    return command


def load_settings(file: Path | None = None, overrides: tuple[str, ...] = ()) -> Config:
    """The settings of the data directory that the command works on."""
    try:
        return loading.load(loading.find(house().data, file), overrides)
    except loading.Wrong as wrong:
        raise Refused(str(wrong)) from None


@click.group()
def config() -> None:
    """Check, describe and show the settings."""


@config.command("check")
@config_options
@data_option
def check(file: Path | None, overrides: tuple[str, ...]) -> None:
    """Say whether the settings can be used, and the files that they name; exit status 1 if not."""
    from ..routing import check as check_routing

    settings, data = load_settings(file, overrides), house().data
    for key, name in description.named_files(settings):
        if name and not (data / name).is_file():
            raise Refused(f"{key}: there is no file {data / name}")
    try:
        check_routing(settings, data)
    except loading.Wrong as wrong:
        raise Refused(str(wrong)) from None
    place = loading.find(house().data, file)
    click.echo(f"{place}: fine" if place else "no settings file: all settings are the defaults")


@config.command("describe")
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@json_option
@data_option
def describe(keys: tuple[str, ...], as_json: bool) -> None:
    """Explain every setting, or those whose names begin with a KEY.

    \b
    posthouse config describe limits tls.certificate
    """
    wanted = [s for s in description.describe() if not keys or s.key.startswith(keys)]
    if not wanted:
        raise click.UsageError(f"there is no setting {' '.join(keys)}")
    if as_json:
        click.echo(json.dumps([asdict(s) for s in wanted], indent=2))
        return
    for setting in wanted:
        unit = f", {setting.unit}" if setting.unit else ""
        click.echo(f"{click.style(setting.key, bold=True)} = {_toml(setting.default)}")
        click.echo(click.wrap_text(setting.text, 84, "    ", "    "))
        click.echo(f"    ({setting.type}{unit})\n")


@config.command("show")
@config_options
@json_option
@data_option
def show(file: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print the settings in effect, as TOML; those that differ from the defaults are marked."""
    current = load_settings(file, overrides)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(current), indent=2))
        return
    table = ""
    for setting in description.describe():
        if setting.named:
            continue
        parent, _, name = setting.key.rpartition(".")
        if parent != table:
            table = parent
            click.echo(f"\n[{parent}]")
        value: object = current
        for part in setting.key.split("."):
            value = getattr(value, part)
        mark = "" if value == setting.default else "  # not the default"
        click.echo(f"{name} = {_toml(value)}{mark}")
    for name, route in in_long_form(current.routes).items():
        click.echo(f"\n[routes.{_toml(name)}]")
        for key, value in msgspec.structs.asdict(route).items():
            click.echo(f"{key} = {_toml(value)}")


def _toml(value: object) -> str:
    """A value in TOML, which for what settings hold is JSON."""
    return json.dumps(value, ensure_ascii=False)
