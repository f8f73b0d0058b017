"""The store for a program without a loop: the command line, beside a running server or without."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from .database import Runner, connect
from .edition import Editions
from .turnstile import Turnstile
from .unit import Tell, Unit

T = TypeVar("T")


class DirectStore:
    """Runs units of work at once, one transaction each, taking turns with other writers."""

    def __init__(self, directory: Path, vfs: str | None = None) -> None:
        self.directory = directory
        self._connection = connect(directory, vfs)
        self._runner = Runner(self._connection)
        self._turnstile = Turnstile(directory)
        self._editions = Editions(directory)
        #: What the units told, for whoever passes it on to running servers.
        self.told: list[Tell] = []

    def write(self, unit: Unit[T]) -> T:
        """Run a unit; durable on return. Raises what the unit raises, apsw.Error."""
        told: list[Tell] = []
        execute = self._connection.execute
        with self._turnstile:
            execute("BEGIN IMMEDIATE")
            try:
                result = self._runner.perform(unit, told)
                self._editions.begin(told)
                execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    execute("ROLLBACK")
                raise
            finally:
                self._editions.end()
        self.told += told
        return result

    def read(self, unit: Unit[T]) -> T:
        """Run a reading unit on one state of the database."""
        return self._runner.look(unit)

    def close(self) -> None:
        self._connection.close()
        self._turnstile.close()
        self._editions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()
