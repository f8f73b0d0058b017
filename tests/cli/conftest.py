"""`posthouse` as a process, on a data directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PATIENCE = 60.0

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where passwords cost little."""
    directory = tmp_path / "data"
    directory.mkdir()
    (directory / "posthouse.toml").write_text("[passwords]\nmemory = 8\npasses = 1\n")
    return directory


@pytest.fixture
def run(data: Path) -> Run:
    def run(*arguments: str, status: int = 0, given: str = "") -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("POSTHOUSE_")}
        done = subprocess.run(
            [sys.executable, "-m", "posthouse", "--data", str(data), *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env=environment | {"PYTHONPATH": str(SOURCE)},
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run
