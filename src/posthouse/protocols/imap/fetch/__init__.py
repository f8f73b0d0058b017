"""FETCH: data items, and the responses made of them (RFC 3501 §6.4.5, §7.4.2)."""
