"""CHILDREN: LIST tells whether there are names below a name (RFC 3348)."""

from ..extension import Extension

CHILDREN = Extension(rfc=3348, capability="CHILDREN")
