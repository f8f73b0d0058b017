"""Parameters of SELECT, CREATE and RENAME: names with values in parentheses (RFC 4466 §2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .extension import Parse
from .grammar import Reader
from .result import Bad


def parameters(reader: Reader, offered: Iterable[Mapping[str, Parse]]) -> dict[str, object]:
    """[SP "(" parameter *(SP parameter) ")"], each once, of those that extensions offer"""
    given: dict[str, object] = {}
    if reader.ended:
        return given
    reader.space()
    known = {name: parse for some in offered for name, parse in some.items()}

    def parameter() -> None:
        name = reader.atom().upper()
        if name not in known or name in given:
            raise Bad("no such parameter")
        given[name] = known[name](reader)

    reader.list(parameter)
    return given
