"""APPENDLIMIT: how large a message may be, one limit for all mailboxes (RFC 7889)."""

from ..extension import Extension
from ..session import Session


def limit(session: Session) -> str:
    """§2: the same for all mailboxes."""
    return str(session.limits.message)


APPENDLIMIT = Extension(
    rfc=7889, capability="APPENDLIMIT", value=limit, status_items=frozenset({"APPENDLIMIT"})
)
