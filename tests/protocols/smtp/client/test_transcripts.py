"""Every transcript of the client: whole, and octet by octet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.protocols.smtp.client.stage import Stage
from tests.protocols.transcript import Transcript, cases, play


@pytest.mark.parametrize(("transcript", "by_octet"), cases(Path(__file__).parent, "*.client"))
def test_transcript(transcript: Transcript, by_octet: bool) -> None:
    play(transcript, Stage(transcript.settings), by_octet)
