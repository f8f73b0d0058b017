"""Accounts, domains, aliases and credentials."""
