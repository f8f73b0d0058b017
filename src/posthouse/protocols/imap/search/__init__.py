"""SEARCH: its keys, and the messages that they find (RFC 3501 §6.4.4)."""
