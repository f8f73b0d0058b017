"""Which thread a message belongs to, by its header alone (RFC 8474 §5.2).

A reply's References begin with the Message-ID of the message that the conversation began with
(RFC 5322 §3.6.4), so that all its messages name the same one: it need not be there, nothing is
looked up, and what was told once is told for ever. Whatever changes here changes the threads of
mail that is kept, which may not be.
"""

from __future__ import annotations

from hashlib import blake2b

from .header import Header
from .ordering import message_ids

_IDS = (b"references", b"in-reply-to", b"message-id")
_OTHERS = (b"from", b"date", b"subject")  # of a message that has no Message-ID
_NAMES = (*_IDS, *_OTHERS)
_SIZE = 16  # octets


def thread_of(header: bytes) -> str:
    """The name of the thread, in letters and digits."""
    fields: dict[bytes, bytes] = {}
    for name, value in Header(Header(header).select(_NAMES)).fields():
        fields.setdefault(name.lower(), value)
    for name in _IDS:
        first = message_ids(fields[name], 1) if name in fields else []
        if first:
            return _digest(first[0].encode("utf-8"))
    return _digest(b"\n".join([fields.get(name, b"") for name in _OTHERS]))


def _digest(octets: bytes) -> str:
    return blake2b(octets, digest_size=_SIZE).hexdigest()
