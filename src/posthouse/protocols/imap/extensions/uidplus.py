"""UIDPLUS: the UIDs of what was appended or copied, and EXPUNGE by UID (RFC 4315).

The response codes APPENDUID and COPYUID (§3) are given by APPEND and COPY.
"""

from __future__ import annotations

from ..commands.expunge import uid_expunge
from ..extension import Extension

UIDPLUS = Extension(rfc=4315, capability="UIDPLUS", uid_commands={"EXPUNGE": uid_expunge})
