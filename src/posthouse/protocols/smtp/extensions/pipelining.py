"""PIPELINING: the client may send commands without waiting (RFC 2920).

A command is read only when the last is done, so there is nothing else to do.
"""

from ..extension import Extension

PIPELINING = Extension(name="Command Pipelining", rfc=2920, keyword="PIPELINING")
