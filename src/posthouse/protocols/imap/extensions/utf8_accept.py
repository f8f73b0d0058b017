"""UTF8=ACCEPT: names and quoted strings in UTF-8, once it is enabled (RFC 6855)."""

from ..extension import Extension

UTF8_ACCEPT = Extension(rfc=6855, capability="UTF8=ACCEPT", enable=True)
