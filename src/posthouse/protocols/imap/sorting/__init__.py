"""SORT and THREAD: the messages that a search finds, in an order (RFC 5256)."""
