"""The languages that POP3 speaks, from the catalogues in the package."""

from __future__ import annotations

from functools import cache
from importlib import resources

from posthouse.protocols import pop3
from posthouse.protocols.pop3.language import ENGLISH, Language, read_catalogue


@cache
def languages() -> tuple[Language, ...]:
    """English, and each that has a catalogue, by tag."""
    folder = resources.files(pop3) / "languages"
    catalogues = sorted(
        (file.name.removesuffix(".po"), file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".po")
    )
    return (ENGLISH, *(read_catalogue(tag, source) for tag, source in catalogues))
