"""The agent of a connection to another host."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, cast

from posthouse.message.downgrade import to_seven_bit
from posthouse.mta.relay.carrier import Carrier
from posthouse.mta.relay.content import BLOCK, Contents
from posthouse.protocols.sasl.mechanism import SaltedPassword
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import insert_content, prepare
from posthouse.store.migrate import migrate
from posthouse.store.store import Store


def test_others_have_their_turn_while_a_password_is_salted() -> None:
    """A server may ask for a tenth of a second of iterations, anew with each salt."""
    nothing: Any = None
    asked = SaltedPassword("sha256", b"pencil", b"salt", 200_000)

    async def work() -> bytes:
        carrier = Carrier(nothing, nothing, nothing, nothing, nothing, frozenset())
        answer = asyncio.ensure_future(cast("Awaitable[bytes]", carrier.ask(asked)))
        turns = 0
        while not answer.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10
        return await answer

    salted = asyncio.run(work())
    assert salted == hashlib.pbkdf2_hmac("sha256", b"pencil", b"salt", 200_000)


def test_a_converted_letter_is_given_in_blocks_and_counts_as_memory(tmp_path: Path) -> None:
    head = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    content = head + b"\xc3\xa4 word after word\r\n" * 2500
    migrate(tmp_path)

    async def work() -> None:
        store = Store(tmp_path)
        try:
            number = await store.write(lambda: insert_content(prepare(content), 1))
            contents = Contents(store, BlobFiles(tmp_path), asyncio.Semaphore(1))
            source = contents.open(number)
            assert source.held == 0
            size = await source.convert()
            assert source.held == size > len(content)
            given = []
            while block := cast("bytes", source.block()):
                assert len(block) <= BLOCK
                given.append(block)
            assert b"".join(given) == to_seven_bit(content)
            assert source.held == 0
        finally:
            store.close()

    asyncio.run(work())
