"""SMTP (RFC 5321): octets in, events out; replies in, octets out."""
