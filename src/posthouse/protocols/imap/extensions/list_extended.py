"""LIST-EXTENDED: options of LIST, and several patterns at once (RFC 5258); `listing` has them."""

from ..extension import Extension, alone

LIST_EXTENDED = Extension(
    rfc=5258,
    capability="LIST-EXTENDED",
    list_selections=frozenset({"SUBSCRIBED", "REMOTE", "RECURSIVEMATCH"}),
    list_returns={"SUBSCRIBED": alone, "CHILDREN": alone},
)
