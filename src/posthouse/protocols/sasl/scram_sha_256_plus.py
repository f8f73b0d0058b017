"""SCRAM-SHA-256-PLUS, bound to the TLS channel (RFC 7677)."""

from .scram import mechanism

SCRAM_SHA_256_PLUS = mechanism("SHA-256", 7677, plus=True)
