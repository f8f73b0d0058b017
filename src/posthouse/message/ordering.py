"""What messages are sorted and threaded by (RFC 5256 §2), made of a header section.

Strings are in the form of the collation i;unicode-casemap, so that they are compared as they are.
All of it takes linear time, whatever the header holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from unicodedata import normalize

from posthouse.message.addresses import Entry, parse_address_list
from posthouse.message.dates import parse_date
from posthouse.message.encodings import decode_words
from posthouse.message.header import Header, unfold

SUBJECT_LIMIT = 4_000  # characters of a subject that are looked at
STRING_LIMIT = 500  # characters of a string that are compared
REFERENCES_LIMIT = 1_000  # the last of a message's references
ID_LIMIT = 1_000  # octets of a Message ID

_NAMES = frozenset(
    (b"cc", b"date", b"from", b"in-reply-to", b"message-id", b"references", b"subject", b"to")
)
_white = re.compile(r"[ \t\r\n]+")
# Not possessive: before Python 3.11.5 `(?:ab++)*+` is not what it says. Each round begins with a
# mark of its own, so that costs no more.
_blobs = re.compile(r"(?:\[[^\[\]]*\] *)*").match
_refwd = re.compile(r"(?:re|fwd?) *+(?:\[[^\[\]]*+\] *+)?:", re.IGNORECASE | re.ASCII).match
_last_blob = re.compile(r"\[[^\[\]]*+\] *+").finditer
# Quirk: brackets within quotes are not looked for; with them this would not be linear.
_message_id = re.compile(rb"<([^<>]*+)>").finditer
_spaces = re.compile(rb"[\s\0]+")
_quoted_pair = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Keys:
    """Of one message; what is not there is the empty string."""

    sent: int | None  # seconds since 1970 in UTC (§2.2)
    subject: str  # base subject
    is_reply: bool  # or a forward (§3, THREAD)
    author: str  # addr-mailbox of the first From address
    recipient: str
    copied: str
    author_shown: str  # its DISPLAY value (RFC 5957 §3)
    recipient_shown: str
    id: str  # Message ID, normalised
    references: str  # the same, one space between two


def ordering_keys(header: bytes) -> Keys:
    """What a header section says."""
    fields: dict[bytes, bytes] = {}
    for name, value in Header(header).fields():
        lower = name.lower()
        if lower in _NAMES:
            fields.setdefault(lower, value)
    date = fields.get(b"date")
    sent = parse_date(unfold(date)) if date is not None else None
    subject, is_reply = base_subject(decode_words(unfold(fields.get(b"subject", b""))))
    author, recipient = _first(fields.get(b"from")), _first(fields.get(b"to"))
    ids = message_ids(fields.get(b"message-id", b""), 1)
    references = message_ids(fields.get(b"references", b""), 0)
    if not references:
        references = message_ids(fields.get(b"in-reply-to", b""), 1)
    return Keys(
        sent.time if sent else None,
        collated(subject),
        is_reply,
        _mailbox(author),
        _mailbox(recipient),
        _mailbox(_first(fields.get(b"cc"))),
        _shown(author),
        _shown(recipient),
        ids[0] if ids else "",
        " ".join(references[-REFERENCES_LIMIT:]),
    )


def collated(text: str) -> str:
    """i;unicode-casemap (RFC 5051 §2): in title case, decomposed."""
    text = text[:STRING_LIMIT]
    if text.isascii():
        return text.upper()
    titles = [title if len(title := each.title()) == 1 else each for each in text]
    return normalize("NFKD", "".join(titles))


def base_subject(subject: str) -> tuple[str, bool]:
    """§2.1: a subject without what replies and forwards add, and whether there was any of it."""
    text = _white.sub(" ", subject[:SUBJECT_LIMIT])
    start, end = 0, len(text)
    marked = False
    while True:
        while True:  # step 2
            while end > start and text[end - 1] == " ":
                end -= 1
            if end - start < 5 or text[end - 5 : end].lower() != "(fwd)":
                break
            end -= 5
            marked = True
        start, removed = _without_leaders(text, start, end)  # steps 3 to 5
        marked = marked or removed
        if text[start : start + 5].lower() != "[fwd:" or text[end - 1] != "]" or end - start < 6:
            return text[start:end], marked
        start, end, marked = start + 5, end - 1, True  # step 6


def _without_leaders(text: str, start: int, end: int) -> tuple[int, bool]:
    """Where the subject starts, without subj-leaders and the subj-blobs before subj-base."""
    marked = False
    while True:
        while start < end and text[start] == " ":
            start += 1
        blobs = _blobs(text, start, end)
        after = blobs.end() if blobs else start
        leader = _refwd(text, after, end)
        if leader:
            start, marked = leader.end(), True
            continue
        if after < end:
            return after, marked
        # All is blobs: the last of them is the base (§5, subj-middle).
        last = start
        for each in _last_blob(text, start, end):
            last = each.start()
        return last, marked


def message_ids(value: bytes, most: int) -> list[str]:
    """The first `most` Message IDs (0: all) of a field, without quoting (§3, THREAD)."""
    found = []
    for each in _message_id(value):
        inner = _spaces.sub(b"", each[1])
        if b"@" not in inner or len(inner) > ID_LIMIT:
            continue
        if inner.startswith(b'"'):
            local, _, host = inner.rpartition(b"@")
            inner = _quoted_pair.sub(rb"\1", local.strip(b'"')) + b"@" + host
        found.append(inner.decode("utf-8", "replace"))
        if len(found) == most:
            break
    return found


def _first(value: bytes | None) -> Entry | None:
    entries = parse_address_list(value, 1) if value else None
    return entries[0] if entries else None


def _mailbox(entry: Entry | None) -> str:
    return collated((entry.mailbox or b"").decode("utf-8", "replace")) if entry else ""


def _shown(entry: Entry | None) -> str:
    """RFC 5957 §3"""
    if entry is None:
        return ""
    name = decode_words(entry.name) if entry.name else ""
    if name:
        return collated(name)
    if entry.mailbox is None:
        return ""
    address = entry.mailbox if entry.host is None else entry.mailbox + b"@" + entry.host
    return collated(address.decode("utf-8", "replace"))
