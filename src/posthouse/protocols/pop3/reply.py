"""Responses: a status, perhaps a response code, and words (RFC 1939 §3, RFC 2449 §3, §8).

Words are templates in English; they are said in the session's language (language.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dialogue import Dialogue, send

if TYPE_CHECKING:
    from .session import Session

END = b".\r\n"  # of a multi-line response


class Refused(Exception):
    """A command is answered with -ERR, and the session goes on."""

    def __init__(self, text: str, code: str = "", **values: object) -> None:
        super().__init__(text)
        self.text = text
        self.code = code  # without brackets: AUTH, IN-USE, LOGIN-DELAY, SYS/TEMP, SYS/PERM, UTF8
        self.values = values


def ok(session: Session, text: str, **values: object) -> Dialogue[None]:
    """+OK with words for people."""
    yield from send(f"+OK {session.language.say(text, values)}\r\n".encode())


def fact(text: str = "") -> Dialogue[None]:
    """+OK with what programs read, in no language."""
    yield from send(f"+OK {text}\r\n".encode() if text else b"+OK\r\n")


def error(session: Session, text: str, code: str = "", **values: object) -> Dialogue[None]:
    """-ERR with words for people."""
    bracket = f"[{code}] " if code else ""
    yield from send(f"-ERR {bracket}{session.language.say(text, values)}\r\n".encode())
