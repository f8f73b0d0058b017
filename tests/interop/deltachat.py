"""Delta Chat without its screen: JSON-RPC over pipes, as its own programs talk to the core."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.system.user import User


class Core:
    """The running program; one request after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._numbers = count(1)

    def ask(self, method: str, *parameters: object) -> Any:
        number = next(self._numbers)
        asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        while line := self._process.stdout.readline():
            told = json.loads(line)
            if told.get("id") == number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]
        pytest.fail(f"{method}: the program has ended")

    def log_in(self, user: User, security: str) -> int:
        """Add an account, log in, and go online; its number."""
        ports = {"ssl": ("imaps", "submissions"), "starttls": ("imap", "submission")}
        imap, smtp = (user.server.port(service) for service in ports[security])
        who = {"imapUser": user.address, "smtpUser": user.address, "smtpPassword": user.password}
        at = {"imapServer": "localhost", "imapPort": imap, "imapSecurity": security}
        by = {"smtpServer": "localhost", "smtpPort": smtp, "smtpSecurity": security}
        # It can be told to trust a certificate blindly only.
        trust = {"certificateChecks": "acceptInvalidCertificates"}
        account: int = self.ask("add_account")
        settings = {"addr": user.address, "password": user.password} | who | at | by | trust
        self.ask("add_or_update_transport", account, settings)
        self.ask("start_io", account)
        return account

    def message(self, account: int, text: str) -> Any:
        """The message with this text, once it has come."""
        while True:
            for number in self.ask("wait_next_msgs", account):
                self.ask("set_config", account, "last_msg_id", str(number))
                found = self.ask("get_message", account, number)
                if found["text"] == text:
                    return found


@contextmanager
def running(folder: Path) -> Iterator[Core]:
    """Start it in a folder; the test is skipped when it is not installed."""
    try:
        module = importlib.import_module("deltachat_rpc_server")
    except ImportError:
        pytest.skip("deltachat-rpc-server is not installed (PyPI)")
    program = Path(str(module.__file__)).parent / "deltachat-rpc-server"
    variables = os.environ | {"DC_ACCOUNTS_PATH": str(folder / "accounts")}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=variables,
        ) as process,
    ):
        try:
            yield Core(process)
        finally:
            process.terminate()
