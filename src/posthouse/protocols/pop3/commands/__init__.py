"""The commands that every server has (RFC 1939 §9) and CAPA (RFC 2449 §5), one file each."""

from __future__ import annotations

from collections.abc import Mapping

from ..capability import AUTHORIZATION, BOTH, TRANSACTION, Command
from .apop import apop
from .capa import capa
from .dele import dele
from .list import list_
from .noop import noop
from .quit import quit_
from .retr import retr
from .rset import rset
from .stat import stat

COMMANDS: Mapping[str, Command] = {
    "APOP": Command(apop, AUTHORIZATION),
    "CAPA": Command(capa, BOTH),
    "STAT": Command(stat, TRANSACTION),
    "LIST": Command(list_, TRANSACTION),
    "RETR": Command(retr, TRANSACTION),
    "DELE": Command(dele, TRANSACTION),
    "NOOP": Command(noop, TRANSACTION),
    "RSET": Command(rset, TRANSACTION),
    "QUIT": Command(quit_, BOTH),
}
