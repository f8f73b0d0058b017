"""Processes, sockets, files, log."""
