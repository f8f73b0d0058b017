"""SCRAM-SHA-256 (RFC 7677)."""

from .scram import mechanism

SCRAM_SHA_256 = mechanism("SHA-256", 7677, plus=False)
