"""Responses: a status, perhaps a response code, and words (RFC 1939 §3, RFC 2449 §3, §8)."""

from __future__ import annotations

from ..dialogue import Dialogue, send

END = b".\r\n"  # of a multi-line response


class Refused(Exception):
    """A command is answered with -ERR, and the session goes on."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code  # without brackets: AUTH, IN-USE, SYS/TEMP, SYS/PERM


def ok(text: str = "") -> Dialogue[None]:
    yield from send(f"+OK {text}\r\n".encode() if text else b"+OK\r\n")


def error(text: str, code: str = "") -> Dialogue[None]:
    yield from send(f"-ERR [{code}] {text}\r\n".encode() if code else f"-ERR {text}\r\n".encode())
