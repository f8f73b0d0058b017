"""SCRAM (RFC 5802), whatever the hash.

The server keeps no password: a client proves that it knows ClientKey, of which the server has the
hash, and the server proves that it knows ServerKey. A client that is not shown this proof does not
believe that it is logged in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ..dialogue import TLS
from .exchange import decode
from .mechanism import (
    Challenge,
    Claim,
    Credentials,
    Denied,
    Exchange,
    Keys,
    Malformed,
    Mechanism,
    Offer,
    Outcome,
    Responses,
    SaltedPassword,
    ScramKeys,
    anywhere,
)

BINDING = "tls-server-end-point"  # RFC 5929 §4; tls-unique does not exist in TLS 1.3
PLUS = "-PLUS"
LONGEST = 4096  # octets of a peer's message
#: A server that asks for fewer could try all passwords (RFC 7677 §4); one that asks for more keeps
#: the client busy.
ITERATIONS = range(4096, 200_001)

#: §7: gs2-header client-first-message-bare. `m=` is in neither: it has to make authentication fail.
_client_first = re.compile(
    r"(?P<header>(?P<flag>[ny]|p=[A-Za-z0-9.-]+),(?:a=(?P<identity>[^,\0]+))?,)"
    r"(?P<bare>n=(?P<user>[^,\0]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
).fullmatch
_client_final = re.compile(
    r"(?P<bare>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
    r",p=(?P<proof>[A-Za-z0-9+/=]+)"
).fullmatch
_server_first = re.compile(
    r"r=(?P<nonce>[!-+\--~]+),s=(?P<salt>[A-Za-z0-9+/=]+),i=(?P<iterations>[1-9][0-9]{0,9})"
    r"(?:,[A-Za-z]=[^,\0]+)*"
).fullmatch
_server_final = re.compile(r"v=(?P<verifier>[A-Za-z0-9+/=]+)(?:,[A-Za-z]=[^,\0]+)*").fullmatch
_escape = re.compile(r"=(?!2C|3D)")


@dataclass(frozen=True, slots=True)
class _First:
    header: str  # gs2-header
    bare: str  # client-first-message-bare
    user: str
    identity: str
    nonce: str


def mechanism(hash_: str, rfc: int, plus: bool) -> Mechanism:
    """SCRAM with this hash; `plus`: with channel binding (§6)."""
    return Mechanism(
        name_of(hash_, plus),
        rfc,
        _server(hash_, plus),
        client_first=True,
        plaintext=False,
        available=can_bind if plus else anywhere,
        respond=None if plus else _client(hash_),
        mutual=True,
    )


def name_of(hash_: str, plus: bool) -> str:
    """§4"""
    return f"SCRAM-{hash_}{PLUS if plus else ''}"


def can_bind(tls: TLS | None) -> bool:
    """There is a channel to bind to."""
    return tls is not None and bool(tls.end_point)


def _server(hash_: str, plus: bool) -> Callable[[Offer], Exchange]:
    def serve(offer: Offer) -> Exchange:
        """§5: client-first, server-first, client-final, server-final."""
        binding = offer.tls.end_point if plus and offer.tls is not None else b""
        first = _read_first((yield Challenge(b"")))
        _check_flag(first.header, plus, name_of(hash_, True) in offer.mechanisms)
        keys: Keys = yield ScramKeys(first.user, hash_)
        nonce = first.nonce + keys.nonce
        salt = b64encode(keys.salt).decode("ascii")
        server_first = f"r={nonce},s={salt},i={keys.iterations}"
        found = _client_final(_text((yield Challenge(server_first.encode("ascii")))))
        if found is None:
            raise Malformed("expected the client's final message")
        proof = decode(found["proof"].encode("ascii"))
        right_channel = decode(found["binding"].encode("ascii")) == first.header.encode() + binding
        message = f"{first.bare},{server_first},{found['bare']}".encode()
        proved = _proves(hash_, keys, message, proof) and right_channel and found["nonce"] == nonce
        if proved:
            signature = hmac.digest(keys.server_key, message, _digest(hash_))
            # §5: the protocols here give no data with success, so that the client has to respond
            if (yield Challenge(b"v=" + b64encode(signature))):
                raise Malformed("expected an empty response")
        name = name_of(hash_, plus)
        outcome: Outcome = yield Claim(name, first.user, first.identity, proved)
        return outcome if proved else Denied()

    return serve


def _client(hash_: str) -> Callable[[Credentials], Responses]:
    digest = _digest(hash_)

    def respond(credentials: Credentials) -> Responses:
        """§5, the client's side. Raises Malformed where the server is not one of ours."""
        if not credentials.nonce:
            raise Malformed("a nonce is needed")
        identity = credentials.identity
        header = f"n,{f'a={_saslname(identity)}' if identity else ''},"
        bare = f"n={_saslname(credentials.user)},r={credentials.nonce}"
        server_first = _text((yield (header + bare).encode()))
        found = _server_first(server_first)
        if found is None:  # `m=` too: an extension that has to be known (§5.1)
            raise Malformed("expected the server's first message")
        nonce, iterations = found["nonce"], int(found["iterations"])
        if not nonce.startswith(credentials.nonce) or nonce == credentials.nonce:
            raise Malformed("the server has not added to the nonce")
        if iterations not in ITERATIONS:
            raise Malformed(f"{iterations} iterations are too few or too many")
        channel = b64encode(header.encode()).decode("ascii")
        final = f"c={channel},r={nonce}"
        message = f"{bare},{server_first},{final}".encode()
        salt = decode(found["salt"].encode("ascii"))
        password = _prepared(credentials.password)
        salted: bytes = yield SaltedPassword(digest, password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", digest)
        server_key = hmac.digest(salted, b"Server Key", digest)
        stored_key = hashlib.new(digest, client_key, usedforsecurity=True).digest()
        signature = hmac.digest(stored_key, message, digest)
        proof = b64encode(bytes(a ^ b for a, b in zip(client_key, signature, strict=True)))
        last = _server_final(_text((yield f"{final},p={proof.decode('ascii')}".encode())))
        expected = hmac.digest(server_key, message, digest)
        given = b"" if last is None else decode(last["verifier"].encode("ascii"))
        if not hmac.compare_digest(given, expected):
            raise Malformed("the server has not proved that it knows the password")
        yield b""

    return respond


@lru_cache(maxsize=16)
def salted_password(asked: SaltedPassword) -> bytes:
    """§3: Hi(). It takes time, so that it is kept, as a client may (§5.1)."""
    return hashlib.pbkdf2_hmac(asked.digest, asked.password, asked.salt, asked.iterations)


def _prepared(password: str) -> bytes:
    """As OpaqueString (RFC 8265 §4.2), which has taken the place of SASLprep."""
    spaces = ((" " if unicodedata.category(c) == "Zs" else c) for c in password)
    return unicodedata.normalize("NFC", "".join(spaces)).encode()


def _saslname(text: str) -> str:
    """§5.1"""
    return text.replace("=", "=3D").replace(",", "=2C")


def _read_first(response: bytes) -> _First:
    found = _client_first(_text(response))
    if found is None:
        raise Malformed("expected the client's first message")
    identity = found["identity"] or ""
    return _First(
        found["header"], found["bare"], _name(found["user"]), _name(identity), found["nonce"]
    )


def _check_flag(header: str, plus: bool, plus_offered: bool) -> None:
    """§6: the gs2-cbind-flag tells what the client knows of the offer."""
    flag = header.partition(",")[0]
    if plus:
        if flag != f"p={BINDING}":
            raise Malformed(f"expected channel binding by {BINDING}")
    elif flag == "y" and plus_offered:
        raise Malformed("channel binding was offered: somebody has changed the offer")
    elif flag not in ("n", "y"):
        raise Malformed("this mechanism has no channel binding")


def _proves(hash_: str, keys: Keys, message: bytes, proof: bytes) -> bool:
    """§3: StoredKey is the hash of ClientProof XOR ClientSignature."""
    digest = _digest(hash_)
    signature = hmac.digest(keys.stored_key, message, digest)
    if len(proof) != len(signature):
        return False
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    found = hashlib.new(digest, client_key, usedforsecurity=True).digest()
    return hmac.compare_digest(found, keys.stored_key)


def _digest(hash_: str) -> str:
    """hashlib's name of it."""
    return hash_.replace("-", "").lower()


def _text(response: bytes) -> str:
    if len(response) > LONGEST:
        raise Malformed("the message is too long")
    try:
        return response.decode()
    except UnicodeDecodeError:
        raise Malformed("expected UTF-8") from None


def _name(text: str) -> str:
    """§5.1: saslname"""
    if _escape.search(text):
        raise Malformed("expected =2C or =3D")
    return text.replace("=2C", ",").replace("=3D", "=")
