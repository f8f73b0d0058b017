"""Mail User Agent (RFC 5598 §4.2.1): for people and programs."""
