"""Fuzzing of engines and parsers: `make fuzz`, or `python -m tests.fuzz smtp header`."""
