"""ID: what client and server are, for statistics and bug reports only (RFC 2971)."""

from __future__ import annotations

from ...dialogue import Dialogue, send, show
from ..events import Identified
from ..extension import Command, Extension
from ..grammar import Reader
from ..responses import untagged
from ..result import Bad
from ..session import ANY, Session

_MOST, _LONGEST_FIELD, _LONGEST_VALUE = 30, 30, 1024  # §3.3


def identify(session: Session, reader: Reader) -> Dialogue[str]:
    """id = "ID" SP id-params-list"""
    reader.space()
    fields = _fields(reader)
    reader.end()
    yield from show(Identified(fields))
    yield from send(untagged(b'ID ("name" "Posthouse")'))
    return "that is all"


def _fields(reader: Reader) -> dict[str, str | None]:
    """id-params-list = "(" #(string SP nstring) ")" / nil

    Elements of `#` stand apart by spaces and may be empty (RFC 2060 §9, RFC 822 §2.7).
    Quirk: aioimaplib sends `( "name" "client" )`.
    """
    fields: dict[str, str | None] = {}
    if reader.accept(b"NIL"):
        return fields

    def pair() -> None:
        name = reader.string().decode("utf-8", "replace").lower()
        reader.space()
        value = reader.nstring()
        if len(name) > _LONGEST_FIELD or (value is not None and len(value) > _LONGEST_VALUE):
            raise Bad("a field or its value is too long")
        if name in fields or len(fields) == _MOST:
            raise Bad("too many fields, or one twice")
        fields[name] = None if value is None else value.decode("utf-8", "replace")

    reader.expect(b"(")
    apart = True
    while not reader.accept(b")"):
        if reader.accept(b" "):
            apart = True
        elif apart:
            pair()
            apart = False
        else:
            raise Bad("expected a space or ')'")
    return fields


ID = Extension(rfc=2971, capability="ID", commands={"ID": Command(identify, ANY)})
