"""ENHANCEDSTATUSCODES: replies bear a second code (RFC 2034).

Every `Reply` has one, but for the greeting, the answers to EHLO and HELO, and 3yz (§4).
"""

from ..extension import Extension

ENHANCEDSTATUSCODES = Extension(
    name="Enhanced-Status-Codes", rfc=2034, keyword="ENHANCEDSTATUSCODES"
)
