"""`python -m bench.peers.maildirs PORT FOLDER`: an aiosmtpd that files into Maildirs."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.peers.aiosmtpd import PLACE

WRITERS = 5  # threads


class Maildirs:
    """A handler of aiosmtpd: `handle_DATA` replies when all copies are on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._writers = ThreadPoolExecutor(WRITERS)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        loop = asyncio.get_running_loop()
        for recipient in envelope.rcpt_tos:
            name = f"{next(self._numbers)}.bench"
            await loop.run_in_executor(self._writers, self._file, recipient, name, envelope.content)
        return "250 2.0.0 filed"

    def _file(self, user: str, name: str, content: bytes) -> None:
        mailbox = self._folder / user.replace("/", "_")
        for part in ("tmp", "new"):
            (mailbox / part).mkdir(parents=True, exist_ok=True)
        with (mailbox / "tmp" / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        (mailbox / "tmp" / name).rename(mailbox / "new" / name)
        new = os.open(mailbox / "new", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(new)
        finally:
            os.close(new)


async def serve(port: int, folder: Path) -> None:
    smtp = importlib.import_module("aiosmtpd.smtp")
    handler = Maildirs(folder)
    loop = asyncio.get_running_loop()
    bound = socket.create_server(("127.0.0.1", port), backlog=1024)
    server = await loop.create_server(
        lambda: smtp.SMTP(handler, hostname="bench.example", data_size_limit=50_000_000), sock=bound
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    sys.path.append(PLACE)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
