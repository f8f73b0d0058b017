"""SCRAM-SHA-1, for accounts with old programs (RFC 5802)."""

from .scram import mechanism

SCRAM_SHA_1 = mechanism("SHA-1", 5802, plus=False)
