"""Mail Submission Agent (RFC 5598 §4.3.1, RFC 6409)."""
