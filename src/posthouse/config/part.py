"""What the tables of the settings file are made of."""

from __future__ import annotations

from msgspec import Meta, Struct

MINUTES = 60.0
MEBIBYTE = 1024 * 1024
FILE = "file"


def octets(text: str, least: int = 1) -> Meta:
    return Meta(description=text, ge=least, extra={"unit": "octets"})


def seconds(text: str) -> Meta:
    return Meta(description=text, gt=0, extra={"unit": "seconds"})


def count(text: str, least: int = 1) -> Meta:
    return Meta(description=text, ge=least)


def file(text: str) -> Meta:
    """The name of a file, relative to the data directory."""
    return Meta(description=text, extra={"unit": FILE})


def about(text: str) -> Meta:
    return Meta(description=text)


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the settings file."""
