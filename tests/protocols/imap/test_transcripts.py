"""Every transcript in this folder, on the engine."""

from pathlib import Path

import pytest

from tests.protocols.imap.stage import Stage
from tests.protocols.transcript import Transcript, cases, play


@pytest.mark.parametrize(("transcript", "by_octet"), cases(Path(__file__).parent, "*.imap"))
def test_transcript(transcript: Transcript, by_octet: bool) -> None:
    play(transcript, Stage(transcript.settings), by_octet)
