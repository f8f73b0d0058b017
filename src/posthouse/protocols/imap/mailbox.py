"""Names of mailboxes (RFC 3501 §5.1): Unicode inside, "/" between the levels, INBOX in any case.

A name is a key in a database and never a file's name, so that `..` in one is just two dots.
"""

from __future__ import annotations

import unicodedata

from . import utf7
from .result import No

SEPARATOR = "/"
INBOX = "INBOX"
LONGEST = 1024  # octets of UTF-8
DEEPEST = 32  # levels

#: Control characters, surrogates, line and paragraph separators (RFC 6855 §3).
_FORBIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def canonical(name: str) -> str:
    """INBOX, also as the first level of a name, is the same in any case."""
    first = name[:5]
    if first.isascii() and first.upper() == INBOX and name[5:6] in ("", SEPARATOR):
        return INBOX + name[5:]
    return name


def from_wire(octets: bytes, utf8: bool = False) -> str:
    """The name in a command."""
    try:
        return canonical(decoded(octets, utf8))
    except ValueError:
        charset = "UTF-8" if utf8 else "modified UTF-7"
        raise No(f"the mailbox name is not in {charset}", "CANNOT") from None


def decoded(octets: bytes, utf8: bool = False) -> str:
    """The name in UTF-8 (RFC 6855 §3) or in modified UTF-7; raises ValueError."""
    if utf8:
        return octets.decode("utf-8")
    return utf7.decode(octets)


def to_be_created(name: str) -> str:
    """The name, if a new mailbox may bear it.

    A separator at its end only declares that names below it will follow (§6.3.3).
    """
    name = name.removesuffix(SEPARATOR)
    levels = name.split(SEPARATOR)
    if "" in levels:
        raise No("a level of the mailbox name is empty", "CANNOT")
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST:
        raise No("the mailbox name is too long", "LIMIT")
    if len(levels) > DEEPEST:
        raise No("the mailbox name has too many levels", "LIMIT")
    if not name.isprintable() and any(map(_is_forbidden, name)):
        raise No("the mailbox name holds a control character", "CANNOT")
    if "*" in name or "%" in name:
        raise No("the mailbox name holds a wildcard", "CANNOT")
    return name


def _is_forbidden(character: str) -> bool:
    return unicodedata.category(character) in _FORBIDDEN
