"""Questions to the domain name system (RFC 1034, RFC 1035), and the cache of their answers."""
