"""The command `posthouse`. Each command's module is loaded when the command is run."""

from __future__ import annotations


def main() -> None:
    """What the installed program runs."""
    from .root import posthouse

    posthouse(prog_name="posthouse")
