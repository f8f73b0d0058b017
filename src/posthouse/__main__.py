"""`python -m posthouse`."""

from .cli import main

main()
