"""Mail Transfer Agent (RFC 5598 §4.3.2, RFC 5321)."""
