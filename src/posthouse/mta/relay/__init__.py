"""Relaying: letters on their way to other sites (RFC 5321 §3.6, §4.5.4)."""
