"""CREATE-SPECIAL-USE: CREATE says what the mailbox is for (RFC 6154 §3)."""

from __future__ import annotations

from ..extension import Extension
from ..grammar import Reader
from ..result import No

_USES = {use.upper(): use for use in ("\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash")}


def use(reader: Reader) -> str:
    """create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")"   (§6)

    A mailbox is for one thing. \\All and \\Flagged would be collections of other mailboxes' mail.
    """
    reader.space()
    uses = dict.fromkeys(reader.list(reader.attribute))
    if not uses:
        return ""
    known = _USES.get(next(iter(uses)).upper())
    if len(uses) > 1 or known is None:
        raise No("a mailbox cannot be for this", "USEATTR")
    return known


CREATE_SPECIAL_USE = Extension(
    rfc=6154, capability="CREATE-SPECIAL-USE", create_parameters={"USE": use}
)
