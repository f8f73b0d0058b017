"""STATUS=SIZE: how many octets the messages of a mailbox are (RFC 8438)."""

from ..extension import Extension

STATUS_SIZE = Extension(rfc=8438, capability="STATUS=SIZE", status_items=frozenset({"SIZE"}))
