"""Mail Delivery Agent (RFC 5598 §4.3.3)."""
