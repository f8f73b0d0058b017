"""A program with trivial workers, for the tests of the supervisor.

Each worker takes connections on its socket, says its pid and what it was started with, and reads
commands of one letter: `h` hangs at the end, `x` dies.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from posthouse.runtime.listeners import listen
from posthouse.runtime.lock import AlreadyServed, DataLock
from posthouse.runtime.log import open_log
from posthouse.runtime.supervisor import Supervision, Supervisor

WORKERS = 2


def main(directory: Path, grace: float, mode: str) -> int:
    try:
        lock = DataLock(directory)
    except AlreadyServed as error:
        print(error, flush=True)
        return 1
    listeners = listen({"smtp": ["127.0.0.1:0"]}, WORKERS)
    for endpoint in listeners.sockets:
        print(f"listening {endpoint.service} {endpoint}", flush=True)

    def job(index: int, ready: Callable[[], None]) -> None:
        if mode == "broken":
            raise RuntimeError("cannot start")
        generation = (directory / "generation").read_text()
        (mine,) = listeners.of_worker(index)["smtp"]
        _work(mine, f"{os.getpid()} {generation}\n", ready)

    supervisor = Supervisor(
        Supervision(WORKERS, grace),
        job,
        open_log(),
        reload=lambda: job,
        served=lambda: print("ready", flush=True),
        in_child=[lock.close],
    )
    return supervisor.run()


def _work(mine: socket.socket, word: str, ready: Callable[[], None]) -> None:
    def end(*_: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    mine.setblocking(True)
    ready()
    while True:
        try:
            peer, _ = mine.accept()
        except SystemExit:
            return
        with peer:
            peer.sendall(word.encode())
            command = peer.recv(1)
            if command == b"x":
                os._exit(3)
            if command == b"h":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                peer.sendall(b"hanging\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]))
