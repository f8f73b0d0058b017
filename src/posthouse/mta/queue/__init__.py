"""The queue: letters that this site has taken responsibility for (RFC 5321 §6.1)."""
