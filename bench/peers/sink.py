"""The host that relayed letters go to, as a process beside the server that is measured."""

from __future__ import annotations

import subprocess
import sys

from bench.peers import ROOT, await_greeting, free_ports

DOMAIN = "relay.example"


class Sink:
    """Listens from its making to `close`."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load.sink", str(self.port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        await_greeting(self.port)

    def wait(self, letters: int) -> int:
        """Wait until so many letters have come in all; how many have."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{letters}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)
