"""Every transcript of SMTP, whole and octet by octet."""

from pathlib import Path

import pytest

from tests.protocols.smtp.stage import Stage
from tests.protocols.transcript import Transcript, cases, play


@pytest.mark.parametrize(("transcript", "by_octet"), cases(Path(__file__).parent, "*.smtp"))
def test_transcript(transcript: Transcript, by_octet: bool) -> None:
    play(transcript, Stage(transcript.settings), by_octet)
