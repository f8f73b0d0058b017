"""Letters for named domains of others, and for no others."""

from __future__ import annotations

import asyncio
import smtplib
from dataclasses import replace
from pathlib import Path

import pytest

from posthouse.mta.route.backup import NONE, BackupDomains

from ..receive.house import TestHouse, in_house

NAMED = BackupDomains(["Example.org", ".example.net", "bücher.example"])


@pytest.mark.parametrize(
    "domain", ["example.org", "a.example.net", "a.b.example.net", "xn--bcher-kva.example"]
)
def test_named_domains(domain: str) -> None:
    assert domain in NAMED
    assert domain not in NONE


@pytest.mark.parametrize(
    "domain", ["a.example.org", "example.net", "xexample.org", "org", "", "[192.0.2.1]", "*", "."]
)
def test_others(domain: str) -> None:
    assert domain not in NAMED


@pytest.mark.parametrize("pattern", ["*", "a..b", ""])
def test_what_cannot_be_named(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        BackupDomains([pattern])


def test_strangers_may_send_to_named_domains_alone(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await here.listen(replace(here.transfer, backup_for=NAMED))
        port = here.servers[-1].sockets[0].getsockname()[1]

        def talk() -> dict[str, int]:
            with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=20) as client:
                client.ehlo()
                client.mail("eve@f.example")
                paths = ("bo@EXAMPLE.org", "bo@x.example.org", "bo%x.example@f.example")
                codes = {path: client.rcpt(path)[0] for path in (*paths, "none@a.example")}
                client.data(b"Subject: hi\r\n\r\nHello.\r\n")
                return codes

        codes = await asyncio.to_thread(talk)
        assert list(codes.values()) == [250, 550, 550, 550]
        (letter,) = here.queued()
        assert letter.recipients == [("bo@example.org", 0)]

    in_house(tmp_path, test)
