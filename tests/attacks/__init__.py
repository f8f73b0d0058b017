"""Attacks and faults on the running server, by the numbers of docs/explanation/attacks.md."""
