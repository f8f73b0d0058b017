"""The message: the thing carried (RFC 5598 §4.1; RFC 5322, RFC 2045)."""
