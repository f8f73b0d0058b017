"""A client of SCRAM for tests, with and without channel binding (RFC 5802 §5)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable


class ScramClient:
    """`respond` takes challenges and gives responses; `verified` once the server has proved itself.

    imaplib's `authenticate` and smtplib's `auth` can use it.
    """

    def __init__(
        self,
        hash_: str,
        user: str,
        password: str,
        *,
        flag: str = "n",
        binding: bytes = b"",
        identity: str = "",
        nonce: str = "abcdefgh",
    ) -> None:
        self._digest = hash_.replace("-", "").lower()
        self._password = password.encode()
        self._header = f"{flag},{f'a={_name(identity)}' if identity else ''},"
        self._bare = f"n={_name(user)},r={nonce}"
        self._binding = binding
        self._nonce = nonce
        self._signature = b""
        self.iterations = 0
        self.salt = b""
        self.verified = False
        self._next: Callable[[bytes], bytes] = self._first

    def respond(self, challenge: bytes) -> bytes:
        return self._next(challenge)

    def _first(self, _: bytes) -> bytes:
        self._next = self._final
        return (self._header + self._bare).encode()

    def _final(self, challenge: bytes) -> bytes:
        server_first = challenge.decode()
        nonce, salt, iterations = (part[2:] for part in server_first.split(","))
        assert nonce.startswith(self._nonce)
        assert len(nonce) > len(self._nonce)
        self.salt, self.iterations = b64decode(salt), int(iterations)
        channel = b64encode(self._header.encode() + self._binding).decode()
        bare = f"c={channel},r={nonce}"
        message = f"{self._bare},{server_first},{bare}".encode()
        salted = hashlib.pbkdf2_hmac(self._digest, self._password, self.salt, self.iterations)
        key = hmac.digest(salted, b"Client Key", self._digest)
        stored = hashlib.new(self._digest, key).digest()
        mask = hmac.digest(stored, message, self._digest)
        proof = bytes(a ^ b for a, b in zip(key, mask, strict=True))
        server_key = hmac.digest(salted, b"Server Key", self._digest)
        self._signature = hmac.digest(server_key, message, self._digest)
        self._next = self._verify
        return f"{bare},p={b64encode(proof).decode()}".encode()

    def _verify(self, challenge: bytes) -> bytes:
        assert challenge == b"v=" + b64encode(self._signature)
        self.verified = True
        return b""


def _name(text: str) -> str:
    return text.replace("=", "=3D").replace(",", "=2C")
