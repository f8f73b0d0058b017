"""POP3 (RFC 1939), extended by RFC 2449: the server's side."""
