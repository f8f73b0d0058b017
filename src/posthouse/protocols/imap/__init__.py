"""IMAP4rev1 (RFC 3501) as a dialogue without I/O."""
