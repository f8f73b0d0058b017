"""SEARCHRES: "$" stands for what the last SEARCH that saved has found (RFC 5182).

It is read wherever a set of messages is; a mailbox that is selected begins without.
"""

from __future__ import annotations

from ..extension import Extension
from ..search.returns import Save

SEARCHRES = Extension(
    rfc=5182, capability="SEARCHRES", search_returns={"SAVE": lambda reader: Save()}
)
