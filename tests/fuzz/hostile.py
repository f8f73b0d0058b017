"""Short inputs that take other parsers long when there is much of them.

On most of these Python's `email` package is quadratic, or worse. `check_time` repeats what it is
given, so that a few octets of each are enough.
"""

from __future__ import annotations

VALUES: tuple[bytes, ...] = (
    b";" * 40,
    b"a;a=;" * 10,
    b'a="' * 20,
    b'"\\"' * 20,
    b"\\" * 40,
    b"(" * 40,
    b"(" * 20 + b")" * 20,
    b"(\\" * 20,
    b"<@a:" * 10,
    b"a@" * 20,
    b"a." * 20,
    b"a b" * 20 + b"<",
    b" \r\n" * 20,
    b"[" * 20,
    b"g:" * 20,
    b",;" * 20,
    b"=?a?q?" * 8,
    b"=?a?q?b?= " * 8,
    b"=?utf-8?q?" + b"=" * 40,
    b"a*0*=x;a*1*=%41;" * 4,
)

MESSAGES: tuple[bytes, ...] = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 8,
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 6,
    b"Content-Type: message/rfc822\r\n\r\n" * 8,
    b"A: b\r\n" * 20 + b"\r\n",
    b"Subject: x" + b"\r\n x" * 20 + b"\r\n\r\n",
    b"x" * 60 + b"\r\n" + b"y\r\n" * 20,
    *(b"To: " + value + b"\r\n\r\n" for value in VALUES),
)
