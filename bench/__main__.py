"""`python -m bench`: measure, print the table, keep the JSON."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.system.server import NotReady

from bench.ours import Posthouse1, Posthouse2, PosthouseRelay1, PosthouseRelay2
from bench.peers import Missing, Peer
from bench.peers.aiosmtpd import Aiosmtpd
from bench.peers.cyrus import Cyrus
from bench.peers.dovecot import DovecotMaildir, DovecotMdbox
from bench.peers.exim import EximMaildir, EximQueue
from bench.peers.machine import Machine
from bench.peers.postfix import PostfixHold, PostfixLmtp, PostfixMaildir, PostfixRelay
from bench.peers.pymap import Pymap
from bench.progress import Progress, known_from
from bench.rows import ROWS
from bench.rows.base import Broken, Row, Subject
from bench.table import Cell, chosen, keep, machine, table

PEERS: tuple[type[Peer], ...] = (
    Machine,
    PostfixHold,
    PostfixMaildir,
    PostfixLmtp,
    PostfixRelay,
    EximQueue,
    EximMaildir,
    Aiosmtpd,
    DovecotMaildir,
    DovecotMdbox,
    Cyrus,
    Pymap,
    Posthouse1,
    Posthouse2,
    PosthouseRelay1,
    PosthouseRelay2,
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", default="*", help="names, divided by commas; * and ? match")
    parser.add_argument("--servers", default="*", help="names, divided by commas; * and ? match")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, help="where the servers keep their files (a real disk)")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--keep", action="store_true", help="leave the servers' files")
    parser.add_argument("--list", action="store_true", help="show the rows and end")
    return parser.parse_args()


class Bench:
    """The servers that run, each started when it is first needed."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._subjects: dict[str, Subject] = {}
        self._missing: dict[str, str] = {}

    def subject(self, name: str) -> Subject:
        if name in self._missing:
            raise Missing(self._missing[name])
        if name not in self._subjects:
            peer = next(kind for kind in PEERS if kind.name == name)(self._folder / name)
            try:
                self._stack.enter_context(peer)
            except (Missing, NotReady, AssertionError, subprocess.SubprocessError) as error:
                self._missing[name] = str(error).strip().rpartition("\n")[2]
                raise Missing(self._missing[name]) from error
            self._subjects[name] = Subject(peer)
        return self._subjects[name]

    def measure(self, cell: Cell) -> None:
        """One round of one cell."""
        began = time.monotonic()
        try:
            figures = cell.row.measure(self.subject(cell.server))
        except (Missing, Broken, AssertionError, subprocess.SubprocessError) as error:
            cell.trouble = str(error).strip().rpartition("\n")[2]
        else:
            cell.rounds.append(figures)
        cell.seconds.append(time.monotonic() - began)


def run(cells: list[Cell], rounds: int, folder: Path, progress: Progress) -> None:
    """All rounds, or those until Ctrl-C: what has been measured is shown in any case."""
    with ExitStack() as stack:
        bench = Bench(folder, stack)
        with contextlib.suppress(KeyboardInterrupt):
            for cell in cells * rounds:
                progress.tell(cell)
                bench.measure(cell)
        print(file=sys.stderr)


def show(cells: list[Cell], rows: list[Row], settings: dict[str, object]) -> None:
    print(table(cells))
    print()
    for row in rows:
        print(f"{row.name}: {row.text}")
    print()
    for name, told in settings.items():
        print(f"{name}: {told}")
    for cell in cells:
        if cell.trouble:
            print(f"(!) {cell.row.name} {cell.server}: {cell.trouble}")


def main() -> int:
    options = arguments()
    rows = [row for row in ROWS if chosen(row.name, options.rows)]
    cells = [
        Cell(row, server)
        for row in rows
        for server in row.servers
        if chosen(server, options.servers)
    ]
    if options.list:
        for row in rows:
            print(f"{row.name:16} {row.text}  [{', '.join(row.servers)}]")
        return 0
    folder = Path(tempfile.mkdtemp(prefix="posthouse-bench-", dir=options.dir))
    folder.chmod(0o755)
    try:
        about = machine(folder)
        progress = Progress(cells, options.rounds, known_from(options.results))
        run(cells, options.rounds, folder, progress)
    finally:
        if options.keep:
            print(f"files are in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    named = {cell.server for cell in cells}
    settings: dict[str, object] = {
        kind.name: f"{kind.version}; {'; '.join(kind.settings)}"
        for kind in PEERS
        if kind.name in named
    }
    show(cells, rows, settings)
    print(f"\n{about}\n{keep(options.results, cells, about, settings)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
