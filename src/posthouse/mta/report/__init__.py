"""Reports that this site makes: to senders, of letters that failed or are delayed (RFC 3464)."""
