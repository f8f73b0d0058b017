"""Posthouse: a complete electronic-mail system (RFC 5598)."""
