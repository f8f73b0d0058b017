"""The data directory that a command works on, and how commands speak to people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from ...store.direct import DirectStore
    from ...store.unit import Unit

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

JOINERS = "\u200c\u200d\u00ad"  # invisible, harmless, and part of many scripts
DEFAULT_DATA = "data"


class Refused(click.ClickException):
    """It was not done: what is wrong and what to do, on standard error; exit status 1."""

    exit_code = 1

    def show(self, _file: Any = None) -> None:
        click.echo(f"posthouse: {printable(self.format_message())}", err=True)


@dataclass(slots=True)
class House:
    """One data directory."""

    data: Path

    def write(self, unit: Unit[T]) -> T:
        """Run one unit of work, and pass on what it tells to running servers."""
        with self.open(create=True) as store, refusing():
            result = store.write(unit)
            self._tell(store)
            return result

    def read(self, unit: Unit[T]) -> T:
        """Run one reading unit."""
        with self.open() as store, refusing():
            return store.read(unit)

    @contextmanager
    def open(self, *, create: bool = False) -> Iterator[DirectStore]:
        """Its database; made first if `create`, and there is none."""
        import apsw

        from ...store.database import FILE
        from ...store.direct import DirectStore
        from ...store.migrate import SchemaTooNew, migrate, schemas
        from ...store.unit import Work, one_of

        def version() -> Work[int]:
            row = yield from one_of("PRAGMA user_version")
            return int(row[0]) if row is not None else 0

        try:
            if not (self.data / FILE).exists():
                if not create:
                    raise Refused(
                        f"there is no Posthouse in {self.data}; begin with"
                        f" posthouse serve --data {self.data}, or name another one by --data"
                    )
                migrate(self.data)
            with DirectStore(self.data) as store:
                if store.read(version) != schemas()[-1][0]:
                    raise Refused(
                        f"the database in {self.data} is of another version of Posthouse;"
                        " posthouse serve brings it up to date"
                    )
                yield store
        except (SchemaTooNew, PermissionError) as error:
            raise Refused(str(error)) from None
        except apsw.Error as error:
            raise Refused(f"the database in {self.data}: {error}") from None

    def _tell(self, store: DirectStore) -> None:
        if store.told and (self.data / "run").is_dir():
            from ...runtime.notify import Sender

            sender = Sender(self.data)
            sender.send((news.topic, news.key, news.value) for news in store.told)
            sender.close()


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what the accounts refuse into words for the person."""
    from ...accounts.credentials import UnfitPassword
    from ...accounts.errors import Conflict
    from ...accounts.names import NotAnAddress

    try:
        yield
    except (Conflict, NotAnAddress, UnfitPassword) as error:
        raise Refused(str(error)) from None


def _keep_data(ctx: click.Context, option: click.Parameter, value: Path | None) -> None:
    """What is typed last goes before what was typed first, and that before the environment."""
    root = ctx.find_root()
    source = ctx.get_parameter_source(option.name or "")
    if root.obj is None or source is ParameterSource.COMMANDLINE:
        root.obj = House(value or Path(DEFAULT_DATA))


def data_option(command: F) -> F:
    """`--data`, before or after a command's name."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="POSTHOUSE_DATA",
        expose_value=False,
        is_eager=True,
        callback=_keep_data,
        help="The data directory  [default: $POSTHOUSE_DATA or ./data].",
    )(command)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def house() -> House:
    """The one that this run works on."""
    found = click.get_current_context().find_root().obj
    assert isinstance(found, House)
    return found


def printable(text: str) -> str:
    """What a terminal may be sent of foreign text: no controls, escapes, or marks that turn it."""
    return "\n".join(
        line if line.isprintable() else "".join(map(_shown, line)) for line in text.split("\n")
    )


def _shown(character: str) -> str:
    if character.isprintable() or character in JOINERS:
        return character
    return f"\\u{{{ord(character):x}}}"


def print_list(
    rows: Sequence[dict[str, object]], columns: Sequence[str], as_json: bool, nothing: str
) -> None:
    """A table for people, or JSON for programs."""
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo(nothing, err=True)
        return
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    widths = [max(len(name), *(len(row[i]) for row in cells)) for i, name in enumerate(columns)]
    for line in ([name.replace("_", " ") for name in columns], *cells):
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _cell(value: object) -> str:
    return printable(str(value)).replace("\n", "\\n")


def when(seconds: int) -> str:
    """A moment, for people and programs (RFC 3339, UTC)."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_password(from_stdin: bool, *, confirm: bool = True) -> str:
    """A password from the terminal, or the first line of standard input."""
    if from_stdin:
        # By octets, as the rest is read, which may be a message: no line of it is read ahead.
        line = sys.stdin.buffer.readline().rstrip(b"\r\n")
        try:
            return line.decode()
        except ValueError:
            raise click.UsageError("the password on standard input is not UTF-8") from None
    if not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask for a password: give it on standard input with"
            " --password-stdin"
        )
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm)
    return password
