"""The client side of SMTP (RFC 5321) and LMTP (RFC 2033): letters in, outcomes out."""
