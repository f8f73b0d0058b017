"""SPECIAL-USE: what a mailbox is for (RFC 6154); LIST tells it as an attribute (§2)."""

from ..extension import Extension, alone

SPECIAL_USE = Extension(
    rfc=6154,
    capability="SPECIAL-USE",
    list_selections=frozenset({"SPECIAL-USE"}),
    list_returns={"SPECIAL-USE": alone},
)
