"""A resolver that does not answer holds up no start."""

from __future__ import annotations

from threading import Event

from posthouse.runtime.hostname import full_name


def test_the_full_name_is_taken() -> None:
    assert full_name("mx", lambda: "mx.example.org", 60.0) == "mx.example.org"


def test_the_short_name_will_do() -> None:
    answered = Event()

    def silent() -> str:
        answered.wait()
        return "mx.example.org"

    assert full_name("mx", silent, 0.01) == "mx"
    answered.set()
