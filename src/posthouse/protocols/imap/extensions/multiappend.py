"""MULTIAPPEND: several messages with one APPEND, all or none (RFC 3502); `append` takes them."""

from ..extension import Extension

MULTIAPPEND = Extension(rfc=3502, capability="MULTIAPPEND")
