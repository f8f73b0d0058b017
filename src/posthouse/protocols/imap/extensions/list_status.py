"""LIST-STATUS: LIST gives the STATUS of what it lists, too (RFC 5819)."""

from __future__ import annotations

from ..commands.status import status_items
from ..extension import Extension
from ..grammar import Reader
from ..session import Session


def status_option(session: Session, reader: Reader) -> object:
    """status-option = "STATUS" SP "(" status-att *(SP status-att) ")"   (§4)"""
    reader.space()
    return status_items(session, reader)


LIST_STATUS = Extension(rfc=5819, capability="LIST-STATUS", list_returns={"STATUS": status_option})
