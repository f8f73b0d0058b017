"""Domains, accounts, aliases and who logs in."""
