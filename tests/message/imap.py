"""A reader of IMAP's data, for tests: lists, strings, literals, numbers (RFC 9051 §9)."""

from __future__ import annotations

import re
from typing import Any

_token = re.compile(rb'[(]|[)]|NIL|[0-9]+|"((?:[ !#-\[\]-~]|\\["\\])*)"|\{([0-9]+)\}\r\n| ')


def read(octets: bytes) -> Any:
    """The one value that these octets are; AssertionError if they are not exactly one."""
    stack: list[list[Any]] = [[]]
    position = 0
    while position < len(octets):
        found = _token.match(octets, position)
        assert found is not None, octets[position : position + 40]
        position = found.end()
        text = found[0]
        if text == b"(":
            inner: list[Any] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif text == b")":
            stack.pop()
        elif text == b"NIL":
            stack[-1].append(None)
        elif found[1] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", found[1]))
        elif found[2] is not None:
            size = int(found[2])
            literal = octets[position : position + size]
            assert len(literal) == size
            assert b"\0" not in literal
            stack[-1].append(literal)
            position += size
        elif text != b" ":
            stack[-1].append(int(text))
    assert len(stack) == 1
    assert len(stack[0]) == 1
    return stack[0][0]


def check_envelope(value: Any) -> None:
    """The form of `envelope`."""
    assert len(value) == 10
    for text in (value[0], value[1], value[8], value[9]):
        assert text is None or isinstance(text, bytes)
    for addresses in value[2:8]:
        assert addresses is None or addresses
        for address in addresses or ():
            assert len(address) == 4


def check_body(body: Any, extended: bool) -> None:
    """The form of `body`, with extension data or without."""
    bodies = [body]
    while bodies:
        value = bodies.pop()
        if isinstance(value[0], list):
            children = [child for child in value if isinstance(child, list)]
            number = 0
            while number < len(value) and isinstance(value[number], list):
                number += 1
            bodies.extend(children[:number])
            assert isinstance(value[number], bytes)
            assert len(value) == number + (5 if extended else 1)
            continue
        kind, subtype = value[0].lower(), value[1].lower()
        size = 7
        assert isinstance(value[5], bytes)
        assert isinstance(value[6], int)
        if kind == b"message" and subtype in (b"rfc822", b"global"):
            check_envelope(value[7])
            bodies.append(value[8])
            assert isinstance(value[9], int)
            size = 10
        elif kind == b"text":
            assert isinstance(value[7], int)
            size = 8
        assert len(value) == size + (4 if extended else 0)
