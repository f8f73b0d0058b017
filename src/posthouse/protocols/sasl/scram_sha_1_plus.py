"""SCRAM-SHA-1-PLUS, bound to the TLS channel, for accounts with old programs (RFC 5802)."""

from .scram import mechanism

SCRAM_SHA_1_PLUS = mechanism("SHA-1", 5802, plus=True)
