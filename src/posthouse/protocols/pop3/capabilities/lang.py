"""LANG: the language of the words in responses (RFC 6856 §3)."""

from __future__ import annotations

from ...dialogue import Dialogue, send
from ..capability import BOTH, Capability
from ..language import find_language
from ..reply import END, Refused, ok
from ..session import Session


def lang(session: Session, argument: str) -> Dialogue[None]:
    """§3.2: LANG [language-range]; * is what the operator prefers."""
    if not argument:
        yield from ok(session, "language listing follows")
        lines = [f"{language.tag} {language.name}\r\n" for language in session.languages]
        yield from send("".join(lines).encode())
        yield from send(END)
        return
    found = session.preferred if argument == "*" else find_language(session.languages, argument)
    if found is None:
        raise Refused("no such language")
    session.language = found
    yield from ok(session, "{tag} the language has changed", tag=found.tag)


LANG = Capability(
    tag="LANG",
    added={"LANG": lang},
    affected=frozenset({"all"}),
    valid=BOTH,
    reference="RFC 6856",
)
