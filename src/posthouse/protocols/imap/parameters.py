"""Parameters of SELECT and CREATE, and modifiers of FETCH and STORE: names in parentheses, some of
them with values (RFC 4466 §2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .extension import Parse
from .grammar import Reader
from .result import Bad


def parameters(reader: Reader, offered: Iterable[Mapping[str, Parse]]) -> dict[str, object]:
    """[SP "(" parameter *(SP parameter) ")"], at the end of a command"""
    if reader.ended:
        return {}
    reader.space()
    return in_parentheses(reader, offered)


def in_parentheses(reader: Reader, offered: Iterable[Mapping[str, Parse]]) -> dict[str, object]:
    """ "(" parameter *(SP parameter) ")", each once, of those that extensions offer"""
    given: dict[str, object] = {}
    known = {name: parse for some in offered for name, parse in some.items()}

    def parameter() -> None:
        name = reader.atom().upper()
        if name not in known or name in given:
            raise Bad("no such parameter")
        given[name] = known[name](reader)

    reader.list(parameter)
    return given
