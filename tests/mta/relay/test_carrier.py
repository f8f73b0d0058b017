"""The agent of a connection to another host."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable
from typing import Any, cast

from posthouse.mta.relay.carrier import Carrier
from posthouse.protocols.sasl.mechanism import SaltedPassword


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
