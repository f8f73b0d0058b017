"""Every transcript of SMTP: whole, octet by octet, and behind real sockets."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.protocols.smtp.stage import Stage
from tests.protocols.sockets import contexts, play_served
from tests.protocols.transcript import Transcript, cases, play, read

HERE = Path(__file__).parent

Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.mark.parametrize(("transcript", "by_octet"), cases(HERE, "*.smtp"))
def test_transcript(transcript: Transcript, by_octet: bool) -> None:
    play(transcript, Stage(transcript.settings), by_octet)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    return contexts(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(HERE.rglob("*.smtp")) if read(path).for_sockets],
    ids=lambda path: path.stem,
)
def test_transcript_on_sockets(path: Path, tls: Contexts) -> None:
    transcript = read(path)
    from_start = transcript.settings.get("tls") == "active"
    play_served(transcript, Stage(transcript.settings), tls, from_start)
