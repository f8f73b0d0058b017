"""Every text that a POP3 server says to people, found in the source."""

from __future__ import annotations

import ast
from pathlib import Path

import posthouse.protocols.pop3
from posthouse.protocols.pop3.commands.list import LISTED
from posthouse.protocols.pop3.login import DENIALS
from posthouse.protocols.pop3.server import FAREWELLS
from posthouse.protocols.pop3.session import SUMMARY
from posthouse.store.serve import pop3

#: What says a text, and where among its arguments.
SAID_BY = {"ok": 1, "error": 1, "Refused": 0, "send_listing": 3, "Unavailable": 1}


def texts() -> set[str]:
    """The keys of the catalogues."""
    folder = Path(posthouse.protocols.pop3.__file__).parent
    found = {LISTED, SUMMARY}
    found |= {text for text, _ in (*DENIALS.values(), *FAREWELLS.values())}
    for file in [*folder.rglob("*.py"), Path(pop3.__file__)]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                at = SAID_BY.get(node.func.id, len(node.args))
                text = node.args[at] if at < len(node.args) else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found.add(text.value)
                assert not isinstance(text, ast.JoinedStr), f"{file.name}: {ast.unparse(node)}"
    return found
