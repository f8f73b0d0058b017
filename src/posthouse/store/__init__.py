"""Message Store (RFC 5598 §4.2.2): mailboxes, messages, flags, changes."""
