"""aioimaplib and aiosmtplib: clients for asyncio, with TLS that is verified."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import warnings
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.interop.letters import check_rich, rich
from tests.interop.program import certificate, need_module
from tests.system.user import User, letter

aioimaplib = need_module("aioimaplib")
aiosmtplib = need_module("aiosmtplib")


def play(session: Coroutine[Any, Any, None]) -> None:
    """Run it; neither of the two waits until a connection is closed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(session)
        gc.collect()


def trusting(user: User, folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate(user.server, folder)))


@contextlib.asynccontextmanager
async def connection(user: User, context: ssl.SSLContext) -> AsyncIterator[Any]:
    port = user.server.port("imaps")
    client = aioimaplib.IMAP4_SSL(host="localhost", port=port, timeout=20, ssl_context=context)
    await client.wait_hello_from_server()
    try:
        await done(client.login(user.address, user.password))
        yield client
        await done(client.logout())
    finally:
        client.protocol.transport.abort()  # it would be left open


async def done(command: Any) -> list[bytes]:
    """What came for a command, which must be OK."""
    response = await command
    assert response.result == "OK", response
    lines: list[bytes] = response.lines
    return lines


def test_a_session(anna: User, tmp_path: Path) -> None:
    context = trusting(anna, tmp_path)

    async def session() -> None:
        async with connection(anna, context) as client:
            await done(client.enable("CONDSTORE"))
            sent = rich(anna.address, "b@there.example").as_bytes()
            await done(client.append(sent, "INBOX", "\\Seen"))
            for number in range(4):
                await done(client.append(letter(f"no. {number}").as_bytes(), "INBOX"))
            await done(client.select("INBOX"))
            fetched = await done(client.uid("fetch", "1", "(FLAGS BODY.PEEK[])"))
            check_rich(bytes(fetched[1]))
            assert bytes(fetched[1]) == sent
            await done(client.store("2", "+FLAGS", "(\\Flagged)"))
            assert (await done(client.search("FLAGGED")))[0] == b"2"
            assert (await done(client.uid_search("SUBJECT", '"no. 3"')))[0] == b"5"
            await done(client.copy("2", "Archive"))
            await done(client.move("3", "Trash"))
            await done(client.store("3", "+FLAGS", "(\\Deleted)"))
            await done(client.expunge())
            await done(client.create("Projects"))
            await done(client.rename("Projects", "Plans"))
            await done(client.subscribe("Plans"))
            assert [b for b in await done(client.lsub('""', "*")) if b.endswith(b"Plans")]
            assert b"(MESSAGES 0)" in (await done(client.status("Plans", "(MESSAGES)")))[0]
            await done(client.unsubscribe("Plans"))
            await done(client.delete("Plans"))
            await done(client.namespace())
            await done(client.id(name="aioimaplib"))
            await done(client.getquotaroot("INBOX"))
            await done(client.close())

    play(session())
    with anna.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"3"])
        assert wire.uid("SEARCH", "ALL") == ("OK", [b"1 2 5"])
        assert wire.uid("SEARCH", "FLAGGED") == ("OK", [b"2"])
        assert wire.select("Archive") == ("OK", [b"1"])
        assert wire.select("Trash") == ("OK", [b"1"])


def test_idle(anna: User, tmp_path: Path) -> None:
    """It hears at once of what comes and goes, on whatever worker it is."""
    context = trusting(anna, tmp_path)
    anna.fill(2)

    async def until(client: Any, line: bytes) -> None:
        while line not in await client.wait_server_push(20):
            pass

    async def session() -> None:
        async with contextlib.AsyncExitStack() as open_ones:
            clients = [
                await open_ones.enter_async_context(connection(anna, context)) for _ in range(5)
            ]
            other = clients.pop()
            idling = []
            for client in clients:
                await done(client.select("INBOX"))
                idling.append(await client.idle_start(timeout=60))
            await done(other.append(letter("new").as_bytes(), "INBOX"))
            await asyncio.gather(*(until(each, b"3 EXISTS") for each in clients))
            await done(other.select("INBOX"))
            await done(other.store("2", "+FLAGS", "(\\Deleted)"))
            await done(other.expunge())
            await asyncio.gather(*(until(each, b"2 EXPUNGE") for each in clients))
            for client, waiting in zip(clients, idling, strict=True):
                client.idle_done()
                await asyncio.wait_for(waiting, 20)
                assert (await done(client.search("ALL")))[0] == b"1 2"

    play(session())


@pytest.mark.parametrize(
    ("service", "security"),
    [("submission", {"start_tls": True}), ("submissions", {"use_tls": True})],
)
def test_aiosmtplib(
    anna: User, boris: User, tmp_path: Path, service: str, security: dict[str, bool]
) -> None:
    context = trusting(anna, tmp_path)
    port = anna.server.port(service)
    message = rich(anna.address, boris.address)

    async def send() -> None:
        who = {"username": anna.address, "password": anna.password}
        to = {"hostname": "localhost", "port": port, "tls_context": context}
        refused, _ = await aiosmtplib.send(message, **to, **who, **security)
        assert not refused
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await aiosmtplib.send(message, **to, **who | {"password": "wrong"}, **security)

    play(send())
    (octets,) = boris.messages(1)
    check_rich(octets)
    assert b"with ESMTPSA" in octets
