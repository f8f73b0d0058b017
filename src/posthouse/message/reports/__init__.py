"""Reports about letters (RFC 6522): what became of them, told to people and programs."""
