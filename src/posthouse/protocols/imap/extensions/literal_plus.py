"""LITERAL+: literals that are sent without waiting (RFC 7888); `framing` reads them."""

from ..extension import Extension

LITERAL_PLUS = Extension(rfc=7888, capability="LITERAL+")
